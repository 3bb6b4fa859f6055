/** Our side of the bench, in a process of its own: pairs file, boards, pins, threads -> seconds, processor seconds, peak memory, sums. */
import { readFileSync } from 'node:fs';
import { DEFAULT_COOCCURRENCE } from '../../src/candidates/cooccurrence/board-cooccurrence.ts';
import { boardPinsOf } from '../../src/candidates/cooccurrence/board-pins.ts';
import { newDigest } from '../../src/catalog/artifacts/digest.ts';
import { countedInBlocks } from '../../src/candidates/cooccurrence/cooccurrence-pool.ts';

const [file, boards, pins, threads] = process.argv.slice(2);
// Making the two tables of the pairs is timed: the peer makes its own of them within `fit`, too.
const pairs = readPairs();
const startedAt = performance.now();
const processorBefore = process.cpuUsage();
const table = boardPinsOf(pairs.boards, pairs.pins, Number(boards), Number(pins));
let entries = 0;
let scores = 0;
const kept = [];
const options = { ...DEFAULT_COOCCURRENCE, method: 'cosine', neighbors: 50 } as const;
for await (const block of countedInBlocks(table, options, Number(threads))) {
  kept.push(block);
  entries += block.pinIndexes.length;
  for (const score of block.scores) scores += score;
}
const seconds = (performance.now() - startedAt) / 1000;
const { user, system } = process.cpuUsage(processorBefore);
const processorSeconds = (user + system) / 1e6;
const peakMegabytes = process.resourceUsage().maxRSS / 1024;
// Outside of what is timed: by this digest another way of counting proves that it gives the same bits.
const digest = newDigest();
for (const { pinIndexes } of kept) digest.update(new Uint8Array(pinIndexes.buffer, pinIndexes.byteOffset, pinIndexes.byteLength));
for (const { scores: each } of kept) digest.update(new Uint8Array(each.buffer, each.byteOffset, each.byteLength));
console.log(JSON.stringify({ seconds, processorSeconds, peakMegabytes, entries, scores, digest: digest.hex() }));

function readPairs() {
  const bytes = readFileSync(file);
  const pairs = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const half = pairs.length / 2;
  return { boards: pairs.subarray(0, half), pins: pairs.subarray(half) };
}
