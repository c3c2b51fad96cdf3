/**
 * What a node checks proofs against when it starts.
 *
 * Layer: services. Source: spec/block-node.md §6.5 (source of trust).
 *
 * @module
 */

import { CairnError } from "../../kernel/errors.ts";
import { equalBytes } from "../../protocols/hiero/fault.ts";
import { nativeSha384 } from "../../protocols/hiero/native_sha384.ts";
import {
  decodeVerificationData,
  NO_VERIFICATION_DATA,
  type VerificationData,
} from "../../protocols/hiero/proofs/verification_data.ts";
import { BlockVerifier } from "../../protocols/hiero/verify.ts";
import type { BlocksConfig } from "./config.ts";
import { createProofVerifier } from "./proof_verifier.ts";
import type { BlockStore } from "./store.ts";
import { readVerificationFiles } from "./verification_files.ts";

/** The settings that say where keys come from. */
export type VerificationConfig = Pick<BlocksConfig, "ledgerId" | "tssDataFile" | "addressBookFile">;

/**
 * Verification data from what stored blocks have told and from the operator's files. TSS data of a file replace
 * stored ones only if they are valid from a later block.
 *
 * @throws {CairnError} `FILE_UNREADABLE`; `CONFIG_INVALID` if they are of another ledger than `blocks.ledgerId`.
 */
export async function loadVerificationData(
  store: BlockStore,
  { ledgerId, tssDataFile, addressBookFile }: VerificationConfig,
): Promise<VerificationData> {
  const given = await readVerificationFiles({
    tssData: tssDataFile || undefined,
    addressBook: addressBookFile || undefined,
  });
  const stored = await storedData(store);
  const isNewer = given.tss !== undefined &&
    (stored.tss === undefined || given.tss.validFromBlock > stored.tss.validFromBlock);
  const tss = isNewer ? given.tss : stored.tss;
  if (ledgerId !== "" && tss !== undefined && !equalBytes(tss.ledgerId, Uint8Array.fromHex(ledgerId))) {
    throw new CairnError(
      "CONFIG_INVALID",
      `Cannot check proofs: ${isNewer ? `'${tssDataFile}'` : "the stored chain"} is of another ledger`,
      { hint: `blocks.ledgerId is ${ledgerId}, the other ${tss.ledgerId.toHex()}` },
    );
  }
  return { tss, addressBooks: given.addressBooks };
}

/** What block 0 told when it was stored, or would have told had proofs been checked then. */
async function storedData(store: BlockStore): Promise<VerificationData> {
  if (store.verificationData !== undefined) return decodeVerificationData(store.verificationData);
  const genesis = store.first === 0n ? await readGenesis(store) : undefined;
  if (genesis === undefined) return NO_VERIFICATION_DATA;
  const verifier = createProofVerifier(NO_VERIFICATION_DATA, undefined);
  new BlockVerifier(nativeSha384).verify(genesis, {
    proofs: { verifier, onMissingData: "accept", onUnknownKind: "accept" },
  });
  return verifier.data;
}

/** A damaged archive of block 0 is named by the archive itself; the node starts as one that does not know the keys. */
async function readGenesis(store: BlockStore): Promise<Uint8Array | undefined> {
  try {
    return await store.block(0n);
  } catch (thrown) {
    if (!(thrown instanceof CairnError) || thrown.code !== "STORE_READ_FAILED") throw thrown;
    return undefined;
  }
}
