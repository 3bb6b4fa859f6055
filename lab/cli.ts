#!/usr/bin/env node
/** `npm run lab -- JOB`: the drawn world, the replays of the paper, the proofs and the simulations. It imports the product; nothing imports it. */
import { runCommandLine } from '../src/command-line.ts';
import { JOB_GROUPS } from './studies/table.ts';

process.exitCode = await runCommandLine(
  { command: 'npm run lab --', title: 'The lab: worlds whose truth is known, and what is proved on them.', groups: JOB_GROUPS },
  process.argv,
);
