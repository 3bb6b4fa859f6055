#!/usr/bin/env node
/** `npm run lab -- JOB`: the drawn world, the replays of the paper, the proofs and the simulations. It imports the product; nothing imports it. */
import { fileURLToPath } from 'node:url';
import { handOver } from '../src/node-launcher.mjs';

// What the jobs need is read after the hand-over: an old Node cannot read it.
await handOver(fileURLToPath(import.meta.url), process.argv.slice(2));
const { runCommandLine } = await import('../src/command-line.ts');
const { JOB_GROUPS } = await import('./studies/table.ts');

process.exitCode = await runCommandLine(
  { command: 'npm run lab --', title: 'The lab: worlds whose truth is known, and what is proved on them.', groups: JOB_GROUPS },
  process.argv,
);
