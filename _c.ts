import { testChain, testMessage } from "./src/protocols/kimura/_chain.ts";
import { openMemoryEngine } from "./src/store/memory_engine.ts";
import { openFollower, openLeader } from "./src/services/chain/_testing.ts";
import { CHAIN_FAMILIES, ChainStore } from "./src/services/chain/store.ts";
const engine = openMemoryEngine({ families: CHAIN_FAMILIES });
let t=performance.now();
const chain = testChain(600, (height) => height % 5 === 0 ? [testMessage(1, height / 5 - 1)] : []);
console.log("made", performance.now()-t);
await (await ChainStore.open(engine)).append(chain);
const leader = await openLeader({ engine });
const late = await openFollower(leader.p2p);
t=performance.now();
for(let i=0;i<20;i++){ await new Promise(r=>setTimeout(r,500)); console.log(Math.round(performance.now()-t), late.role.snapshot(), leader.store.tip.height, late.p2p.peers().map(p=>p.score)); 
 if (late.store.tip.height>=603n) break; }
console.log(await late.metric("peer_faults_total"), await late.metric("refused_total"));
await late[Symbol.asyncDispose](); await leader[Symbol.asyncDispose]();
