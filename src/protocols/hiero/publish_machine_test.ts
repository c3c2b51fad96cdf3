import { check } from "./_publish_script.ts";

Deno.test("PublishMachine acknowledges block 0 of an empty node once it is stored (P1)", () => {
  check(`
    > 1 connect
    > 1 header 0
    > 1 items
    > 1 proof
    > 1 end
    verify 0 #1, 30 bytes
    > verified 0
    persist 0 #1
    > stored 0
    1 < acknowledgement 0
  `);
});

Deno.test("PublishMachine needs both the proof and BlockEnd to complete a block", () => {
  check(`
    > 1 connect
    > 1 whole 0
    > 1 items
    note late-items-dropped 1 block 0
    > 1 end
    verify 0 #1, 10 bytes
    > 1 end
    note end-of-block-ignored 1
    > 1 whole 1
    > 1 end 7
    note end-of-block-misnamed 1 block 7
    verify 1 #2, 10 bytes
  `);
});

Deno.test("PublishMachine acknowledges to every connected publisher (P2)", () => {
  check(`
    > 1 connect
    > 2 connect
    > 3 connect
    > 1 block 0
    verify 0 #1, 10 bytes
    > done 0
    persist 0 #1
    1 < acknowledgement 0
    2 < acknowledgement 0
    3 < acknowledgement 0
  `);
});

Deno.test("PublishMachine tells the loser of a race to skip (P3)", () => {
  check(`
    > 1 connect
    > 2 connect
    > 1 header 0
    > 2 header 0
    2 < skip 0
    > 2 items
    note items-dropped 2
    > 1 proof
    > 1 end
    verify 0 #1, 20 bytes
  `);
});

Deno.test("PublishMachine skips a duplicate just behind and refuses one far behind (P4, P5)", () => {
  check(
    `
    > 1 connect
    > 1 header 19
    1 < skip 19
    > 1 header 14
    1 < skip 14
    > 1 header 13
    1 < DUPLICATE_BLOCK last 19 about 13
    1 closed: ended
    > 1 header 20
    > 2 connect
    > 2 header 0
    2 < DUPLICATE_BLOCK last 19 about 0
    2 closed: ended
  `,
    19n,
  );
});

Deno.test("PublishMachine answers a gap with BehindPublisher and keeps the stream (P6, P23)", () => {
  check(`
    > 1 connect
    > 1 header 1
    1 < behind max
    > 1 items
    note items-dropped 1
    > 1 block 0
    verify 0 #1, 10 bytes
  `);
  check(
    `
    > 1 connect
    > 1 header 15
    1 < behind 9
  `,
    9n,
  );
});

Deno.test("PublishMachine asks for backfill when a publisher leaves too far ahead (P7)", () => {
  check(
    `
    > 1 connect
    > 1 header 7
    1 < behind 0
    > 1 bye TOO_FAR_BEHIND 1 100
    backfill up to 100
    1 closed: left
  `,
    0n,
  );
});

Deno.test("PublishMachine closes without EndOfStream on each EndStream code (P8)", () => {
  for (const code of ["UNKNOWN", "RESET", "TIMEOUT", "ERROR"]) {
    check(`
      > 1 connect
      > 1 bye ${code} 0 0
      1 closed: left
    `);
  }
  check(`
    > 1 connect
    > 1 header 0
    > 1 bye RESET 5 4
    note end-stream-invalid 1
    note block-abandoned 1 block 0
    1 closed: left
    > 2 connect
    > 2 bye ERROR 5 -1
    2 closed: left
  `);
});

Deno.test("PublishMachine ends the sender of a bad block and has others resend it (P9)", () => {
  check(`
    > 1 connect
    > 2 connect
    > 1 block 0
    verify 0 #1, 10 bytes
    > 2 header 1
    > failed 0
    1 < BAD_BLOCK_PROOF last max about 0
    1 closed: ended
    > 2 proof
    > 2 end
    2 < resend 0
    > 2 block 0
    verify 0 #2, 10 bytes
    verify 1 #3, 20 bytes
    > done 0
    persist 0 #2
    2 < acknowledgement 0
    > done 1
    persist 1 #3
    2 < acknowledgement 1
  `);
});

Deno.test("PublishMachine starts over what was verified above a bad block and ignores its old results", () => {
  check(`
    > 1 connect
    > 1 block 0
    verify 0 #1, 10 bytes
    > 1 block 1
    verify 1 #2, 10 bytes
    > failed 0
    1 < BAD_BLOCK_PROOF last max about 0
    1 closed: ended
    > verified 1
    note verdict-outdated
    > failed 1
    note verdict-outdated
    > 2 connect
    > 2 block 0
    verify 0 #3, 10 bytes
    verify 1 #4, 10 bytes
    > verified 1 2
    note verdict-outdated
    > done 0
    persist 0 #3
    2 < acknowledgement 0
    > done 1
    persist 1 #4
    2 < acknowledgement 1
  `);
});

Deno.test("PublishMachine stores in order, whatever the order of results", () => {
  check(`
    > 1 connect
    > 1 block 0
    verify 0 #1, 10 bytes
    > 1 block 1
    verify 1 #2, 10 bytes
    > 1 block 2
    verify 2 #3, 10 bytes
    > verified 1
    > verified 0
    persist 0 #1
    persist 1 #2
    > failed 2
    1 < BAD_BLOCK_PROOF last max about 2
    1 closed: ended
  `);
});

Deno.test("PublishMachine refuses unreadable headers and empty sets (P10, P12)", () => {
  for (const bad of ["bad-header", "empty"]) {
    check(
      `
      > 1 connect
      > 1 ${bad}
      1 < INVALID_REQUEST last 4 about max
      1 closed: ended
    `,
      4n,
    );
  }
  check(`
    > 1 connect
    > 1 header 0
    > 1 empty
    1 < INVALID_REQUEST last max about 0
    note block-abandoned 1 block 0
    1 closed: ended
  `);
});

Deno.test("PublishMachine answers garbage, an unset request and an empty header with ERROR", () => {
  for (const bad of ["malformed", "unset", "empty-header"]) {
    check(`
      > 1 connect
      > 1 ${bad}
      1 < ERROR last max about max
      1 closed: ended
    `);
  }
});

Deno.test("PublishMachine gives up a block when the next header comes before its end (P11)", () => {
  check(`
    > 1 connect
    > 1 header 0
    > 1 header 1
    note block-abandoned 1 block 0
    > 1 proof
    > 1 end
    1 < resend 0
    > 1 block 0
    verify 0 #1, 10 bytes
    verify 1 #2, 20 bytes
  `);
});

Deno.test("PublishMachine starts a block over when its header comes again", () => {
  check(`
    > 1 connect
    > 1 header 0
    > 1 items
    > 1 header 0
    > 1 proof
    > 1 end
    verify 0 #1, 20 bytes
  `);
});

Deno.test("PublishMachine ends a stream with ERROR when its handler fails (P13)", () => {
  check(`
    > 1 connect
    > 1 header 0
    > 1 crash
    1 < ERROR last max about 0
    note block-abandoned 1 block 0
    1 closed: ended
  `);
});

Deno.test("PublishMachine lets another publisher fill in for a dead one without a gap (P14, P16)", () => {
  check(`
    > 1 connect
    > 2 connect
    > 1 header 0
    > 2 header 1
    > 1 gone
    note block-abandoned 1 block 0
    > 2 proof
    > 2 end
    2 < resend 0
    > 2 block 0
    verify 0 #1, 10 bytes
    verify 1 #2, 20 bytes
    > done 0
    persist 0 #1
    2 < acknowledgement 0
    > done 1
    persist 1 #2
    2 < acknowledgement 1
    > 2 gone
    > 3 connect
    > 3 block 2
    verify 2 #3, 10 bytes
  `);
});

Deno.test("PublishMachine takes a stalled block from its winner (P15)", () => {
  check(
    `
    > 1 connect
    > 2 connect
    > 1 header 5
    > 2 block 6
    > 2 block 7
    > 2 block 8
    > 2 block 9
    note block-stalled 1 block 5
    1 < TIMEOUT last 4 about 5
    1 closed: ended
    2 < resend 5
    > 2 block 5
    verify 5 #1, 10 bytes
    verify 6 #2, 10 bytes
    verify 7 #3, 10 bytes
    verify 8 #4, 10 bytes
    verify 9 #5, 10 bytes
    > done 5
    persist 5 #1
    2 < acknowledgement 5
  `,
    4n,
  );
});

Deno.test("PublishMachine refuses a block that ends without a proof", () => {
  check(`
    > 1 connect
    > 1 header 0
    > 1 items
    > 1 end
    1 < BAD_BLOCK_PROOF last max about 0
    1 closed: ended
    > 2 connect
    > 2 block 0
    verify 0 #1, 10 bytes
  `);
});

Deno.test("PublishMachine prefers the publisher at the current block and lets a faster one win later (P17, P18)", () => {
  check(
    `
    > 1 connect
    > 2 connect
    > 1 header 3
    > 2 header 9
    2 < behind 2
    > 2 block 4
    > 1 proof
    > 1 end
    verify 3 #1, 20 bytes
    verify 4 #2, 10 bytes
    > 1 header 4
    1 < skip 4
  `,
    2n,
  );
});

Deno.test("PublishMachine tells everybody when a write fails, and takes the same block again (P19)", () => {
  check(
    `
    > 1 connect
    > 2 connect
    > 1 block 5
    verify 5 #1, 10 bytes
    > 1 block 6
    verify 6 #2, 10 bytes
    > 2 header 7
    > verified 5
    persist 5 #1
    > unstored 5
    1 < PERSISTENCE_FAILED last 4 about 5
    1 closed: ended
    2 < PERSISTENCE_FAILED last 4 about 5
    2 closed: ended
    > verified 6
    note verdict-outdated
    > 3 connect
    > 3 header 6
    3 < behind 4
    > 3 block 5
    verify 5 #3, 10 bytes
    > done 5
    persist 5 #3
    3 < acknowledgement 5
  `,
    4n,
  );
});

Deno.test("PublishMachine answers what a half-closed publisher sent whole, gives up the rest, then closes", () => {
  check(`
    > 1 connect
    > 2 connect
    > 1 block 0
    verify 0 #1, 10 bytes
    > 1 block 1
    verify 1 #2, 10 bytes
    > 1 header 2
    > 1 half-close
    note block-abandoned 1 block 2
    > done 0
    persist 0 #1
    1 < acknowledgement 0
    2 < acknowledgement 0
    > done 1
    persist 1 #2
    1 < acknowledgement 1
    1 closed: left
    2 < acknowledgement 1
    > 2 half-close
    2 closed: left
  `);
});

Deno.test("PublishMachine tells a half-closed publisher that its block was refused", () => {
  check(`
    > 1 connect
    > 1 block 0
    verify 0 #1, 10 bytes
    > 1 half-close
    > failed 0
    1 < BAD_BLOCK_PROOF last max about 0
    1 closed: ended
  `);
});

Deno.test("PublishMachine drops items without a header in silence (P20)", () => {
  check(`
    > 1 connect
    > 1 items
    note items-dropped 1
    > 1 proof
    note items-dropped 1
    > 1 block 0
    verify 0 #1, 10 bytes
  `);
});

Deno.test("PublishMachine ends a publisher whose block another source has stored meanwhile", () => {
  check(`
    > 1 connect
    > 2 connect
    > 1 header 0
    > stored 0
    1 < TIMEOUT last max about 0
    1 closed: ended
    2 < acknowledgement 0
    > 2 block 1
    verify 1 #1, 10 bytes
  `);
});

Deno.test("PublishMachine steps over a block that another source stored above a hole", () => {
  check(`
    > 1 connect
    > 1 header 0
    > stored 2
    > 1 proof
    > 1 end
    verify 0 #1, 20 bytes
    > done 0
    persist 0 #1
    1 < acknowledgement 0
    > 1 header 1
    1 < skip 1
  `);
});

Deno.test("PublishMachine lets the first publisher start below the earliest managed block", () => {
  check(
    `
    > 1 connect
    > 1 block 3
    verify 3 #1, 10 bytes
    > 1 block 2
    1 < skip 2
    note end-of-block-ignored 1
    > 1 block 4
    verify 4 #2, 10 bytes
  `,
    -1n,
    { earliestManagedBlock: 10n },
  );
});
