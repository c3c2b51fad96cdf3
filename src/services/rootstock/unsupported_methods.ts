// deno-lint-ignore-file camelcase -- the names are those of the interface
/**
 * Methods of Ethereum's and rskj's interface that headers cannot answer, and what each would need.
 *
 * Layer: services.
 *
 * @module
 */

/** What is missing: words for the message, and a stable word for programs. */
type Missing = readonly [
  what: string,
  kind: "state" | "body" | "receipts" | "pool" | "keys" | "mining" | "filters",
];

const STATE: Missing = ["the state of accounts", "state"];
const BODY: Missing = ["the transactions of blocks", "body"];
const RECEIPTS: Missing = ["the receipts of transactions", "receipts"];
const POOL: Missing = ["a pool of transactions", "pool"];
const KEYS: Missing = ["keys of accounts", "keys"];
const MINING: Missing = ["a miner", "mining"];
const FILTERS: Missing = ["filters, which are not kept here; ask for blocks by number instead", "filters"];

/** By name. */
export const UNSUPPORTED_METHODS: Readonly<Record<string, Missing>> = {
  eth_getBalance: STATE,
  eth_getCode: STATE,
  eth_getStorageAt: STATE,
  eth_getTransactionCount: STATE,
  eth_getProof: STATE,
  eth_call: STATE,
  eth_estimateGas: STATE,
  eth_createAccessList: STATE,
  rsk_getStorageBytesAt: STATE,

  eth_getBlockTransactionCountByHash: BODY,
  eth_getBlockTransactionCountByNumber: BODY,
  eth_getTransactionByHash: BODY,
  eth_getTransactionByBlockHashAndIndex: BODY,
  eth_getTransactionByBlockNumberAndIndex: BODY,
  eth_gasPrice: BODY,
  eth_maxPriorityFeePerGas: BODY,
  eth_feeHistory: BODY,

  eth_getTransactionReceipt: RECEIPTS,
  eth_getBlockReceipts: RECEIPTS,
  eth_getLogs: RECEIPTS,
  rsk_getRawTransactionReceiptByHash: RECEIPTS,
  rsk_getTransactionReceiptNodesByHash: RECEIPTS,

  eth_sendRawTransaction: POOL,
  eth_pendingTransactions: POOL,
  txpool_content: POOL,
  txpool_inspect: POOL,
  txpool_status: POOL,

  eth_sendTransaction: KEYS,
  eth_sign: KEYS,
  eth_signTransaction: KEYS,

  eth_coinbase: MINING,
  eth_getWork: MINING,
  eth_submitWork: MINING,
  eth_submitHashrate: MINING,

  eth_newFilter: FILTERS,
  eth_newBlockFilter: FILTERS,
  eth_newPendingTransactionFilter: FILTERS,
  eth_uninstallFilter: FILTERS,
  eth_getFilterChanges: FILTERS,
  eth_getFilterLogs: FILTERS,
  eth_subscribe: FILTERS,
  eth_unsubscribe: FILTERS,
};
