/**
 * How long does a server take to be ready, and what is resident then? From the start of its process to the first closeup
 * answered, over catalogues of growing size. Floor: node reading the resident files as they lie, and nothing else.
 */
import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { round, startContender } from '../contest.ts';
import { generatedCatalog } from '../generated-catalog.ts';
import { flagsOf } from '../flags.ts';

/** Codes of the shipped net have half of that. */
const BITS = 4096;
/** What a server keeps in memory; the rest is read when asked for. */
const RESIDENT = /^(pin-columns|features-.*)$/;

export async function run({ argv }: { readonly argv: readonly string[] }): Promise<Record<string, unknown>> {
  const { pins: sizes, rounds, bits } = flagsOf(argv, { pins: [10_000, 100_000, 1_000_000], rounds: 3, bits: BITS });
  const raw: Record<string, unknown>[] = [];
  for (const pins of sizes) {
    const folder = generatedCatalog({ pins, boardList: 20, visualList: 20, bits });
    const starts = [];
    for (let i = 0; i < rounds; i++) starts.push(await startOnce(folder));
    starts.sort((a, b) => a.readySeconds - b.readySeconds);
    raw.push({ pins, bits, ...starts[starts.length >> 1], readSeconds: round(secondsToRead(folder)), all: starts });
  }
  const last = raw[raw.length - 1] as { readySeconds: number; residentMiB: number; readSeconds: number };
  return {
    ours: last.readySeconds,
    peer: last.readSeconds,
    ratio: round(last.readSeconds / last.readySeconds),
    unit: 'seconds to ready at the largest size',
    residentMiB: last.residentMiB,
    raw,
  };
}

async function startOnce(folder: string) {
  const startedAt = performance.now();
  const server = await startContender({ kind: 'service', folder });
  const readySeconds = round((performance.now() - startedAt) / 1000);
  const { rssBytes: ready } = await server.usage();
  const askedAt = performance.now();
  const reply = await fetch(`${server.origin}/v1/pins/pin-5/related?limit=25`);
  const items = ((await reply.json()) as { items: unknown[] }).items.length;
  const firstReplyMs = round(performance.now() - askedAt);
  const { rssBytes, cpuMicros } = await server.usage();
  await server.stop();
  return {
    readySeconds,
    cpuSeconds: round(cpuMicros / 1e6),
    firstReplyMs,
    items,
    residentMiB: Math.round(Math.max(ready, rssBytes) / 2 ** 20),
  };
}

function secondsToRead(folder: string): number {
  const startedAt = performance.now();
  const artifacts = join(folder, 'artifacts');
  const block = Buffer.alloc(1 << 20);
  for (const kind of readdirSync(artifacts).filter((name) => RESIDENT.test(name))) {
    for (const name of readdirSync(join(artifacts, kind))) {
      const file = openSync(join(artifacts, kind, name), 'r');
      while (readSync(file, block) > 0);
      closeSync(file);
    }
  }
  return (performance.now() - startedAt) / 1000;
}
