// A process that serves, takes events and counts exposures until it is killed. Run by kill.test.ts with the built code.
// Prints a line per acknowledged list or event, written through before the next one begins.
import { writeSync } from 'node:fs';
import { openLog } from '../../dist/src/catalog/log/log-database.js';
import { openExperiments } from '../../dist/src/experiments/experiments.js';

const [folder, round] = process.argv.slice(2);
const log = openLog(folder);
const describe = () => ({ category: 'art', hasDominantObject: false });
const experiments = openExperiments(folder, { log, describe, holdout: 0 });
const START = experiments.store.get('e').startedAt;
const items = {
  count: 1,
  pinIndexes: Int32Array.of(1),
  positions: Uint16Array.of(1),
  scores: new Float64Array(1),
  propensities: Float32Array.of(1),
  retrievedRanks: new Int32Array(1),
  sourceNames: [],
  sourceScores: new Float32Array(0),
  rows: { rows: 0, columns: 0, names: [], data: new Float32Array(0) },
};
const servedList = (recommendationId, userId, at, arm) => ({
  ...{ recommendationId, userId, at, arm, items, surface: 'closeup', queryPinIndex: 0, modelVersion: 'm' },
  ...{ treatment: '{}', forced: false, shuffled: false, latencyMs: 3, degraded: [] },
});
const said = (line) => writeSync(1, `${line}\n`);

for (let n = 0; ; n++) {
  const id = `${round}-${n}`;
  const list = servedList(id, `user-${n % 40}`, START + n, n % 2 === 0 ? 'e/control' : 'e/b');
  await Promise.all([
    log.lists.append(list),
    log.events
      .append([
        {
          eventId: `e-${id}`,
          type: 'save',
          recommendationId: id,
          pinIndex: 1,
          position: 1,
          userId: null,
          at: START + n + 5,
        },
      ])
      .then(({ written }) => written === 1 && said(`event e-${id}`)),
  ]);
  said(`list ${id}`);
  if (n % 7 === 0) experiments.countAll();
}
