// Loaded into every Node process of a test run (NODE_OPTIONS=--import): notes each child process that ended by a crash, so
// that an abort nobody looked at still fails the run. A note is a line of the file that TEST_CRASH_NOTES names.
import childProcess from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

/** Signals of a program that broke, not of one that was stopped; a shell gives 128 and the signal's number as its exit code. */
const CRASHES = { SIGILL: 4, SIGTRAP: 5, SIGABRT: 6, SIGBUS: 7, SIGFPE: 8, SIGSEGV: 11, SIGSYS: 31 };
const file = process.env.TEST_CRASH_NOTES;

function note(command, code, signal) {
  const crash = Object.entries(CRASHES).find(([name, number]) => signal === name || code === 128 + number)?.[0];
  if (crash && file) appendFileSync(file, `${crash}: ${command.join(' ').slice(0, 300)}\n`);
}

const { prototype } = childProcess.ChildProcess;
const spawn = prototype.spawn;
prototype.spawn = function (options) {
  this.once('exit', (code, signal) => note(options.args ?? [options.file], code, signal));
  return spawn.call(this, options);
};
const spawnSync = childProcess.spawnSync;
childProcess.spawnSync = (...given) => {
  const done = spawnSync(...given);
  note([given[0], ...(Array.isArray(given[1]) ? given[1] : [])], done.status, done.signal);
  return done;
};
for (const name of ['execFileSync', 'execSync']) {
  const plain = childProcess[name];
  childProcess[name] = (...given) => {
    try {
      return plain(...given);
    } catch (error) {
      note([given[0], ...(Array.isArray(given[1]) ? given[1] : [])], error.status, error.signal);
      throw error;
    }
  };
}
syncBuiltinESMExports();
