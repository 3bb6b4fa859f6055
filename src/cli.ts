#!/usr/bin/env node
/** The program `related-pins`: its jobs are in `jobs/table.ts`. */
import { fileURLToPath } from 'node:url';
import { handOver } from './node-launcher.mjs';
import { restartForServing } from './api/shell/serving-memory.ts';

// What the jobs need is read after the hand-over: an old Node cannot read it.
await handOver(fileURLToPath(import.meta.url), process.argv.slice(2));
if (process.argv[2] === 'serve') restartForServing(process.env);
const { runCommandLine } = await import('./command-line.ts');
const { JOB_GROUPS } = await import('./jobs/table.ts');

/** Jobs of the project's own proofs, which `npm run lab` runs. */
const LAB = [
  'demo',
  'evaluate-world',
  'climb-ladder',
  'judge-study',
  'judge-worlds',
  'prove-position-bias',
  'replay-flashlight',
  'replay-paper',
  'simulate-experiments',
];

process.exitCode = await runCommandLine(
  {
    command: 'related-pins',
    title: 'related-pins: given a pin, which pins do people want to see next?',
    groups: JOB_GROUPS,
    elsewhere: (name) => (LAB.includes(name) ? ` It is in the lab: npm run ${name === 'demo' ? 'demo' : `lab -- ${name}`}` : undefined),
  },
  process.argv,
);
