import { expect, test } from 'vitest';
import { openDatabase } from '../../src/catalog/database.ts';
import { openLog } from '../../src/catalog/log/log-database.ts';
import { ExperimentStore } from '../../src/experiments/experiment-store.ts';
import { readDefinition } from '../../src/experiments/experiment.ts';
import { interleavedReport } from '../../src/experiments/report/interleaving-report.ts';
import { teamDraft, TEAM_SOURCE } from '../../src/experiments/statistics/interleaving.ts';
import { seededRandom } from '../../src/math/random.ts';
import { servedList } from './served-lists.ts';

const HEALTHY = { crossed: 0, modelMissing: 0, withoutUnit: 0, eventsKeptApart: 0 };
const ARMS = ['control', 'b'];

/** The report of shared pages whose teams are these: -1 for a place on which all arms agree. */
async function reportOn(pages: readonly (readonly number[])[]) {
  const store = new ExperimentStore(openDatabase(':memory:'));
  const author = { by: 'test', at: 1000 };
  const arms = ARMS.map((key) => ({ key, weight: 0.5 }));
  store.define(readDefinition({ key: 'e', design: 'interleaved', arms }), author);
  const experiment = store.start('e', author);
  const log = openLog(':memory:');
  const written = pages.map((teams, n) => {
    const list = servedList(
      `r${n}`,
      `u${n}`,
      2000 + n,
      'e/=',
      teams.map((_, item) => item),
    );
    const sourceNames = ARMS.map((key) => TEAM_SOURCE + key);
    const sourceScores = Float32Array.from(teams.flatMap((team) => ARMS.map((_, arm) => (arm === team ? 1 : Number.NaN))));
    return log.lists.append({ ...list, items: { ...list.items, sourceNames, sourceScores } });
  });
  log.commit.flush();
  await Promise.all(written);
  return interleavedReport(experiment, log, HEALTHY, 'always-valid');
}

test('who picks first is counted behind the places that all agree on, and a fair draft raises no alarm', async () => {
  const random = seededRandom(3);
  const pages = Array.from(
    { length: 400 },
    () =>
      teamDraft(
        [
          [1, 2, 3, 4],
          [1, 4, 3, 2],
        ],
        4,
        random,
      ).teams,
  );
  const { sampleRatio, verdict } = await reportOn([...pages, [-1, -1, -1]]);
  const first = pages.filter((teams) => teams.find((team) => team >= 0) === 0).length;
  expect(sampleRatio).toMatchObject({ of: 'first picks', users: [first, 400 - first], shares: [0.5, 0.5], alarm: false });
  expect(sampleRatio.exactP).toBeGreaterThan(0.01);
  expect(verdict).toBe('keep running');
});

test('a draft that one arm always begins is broken', async () => {
  const { sampleRatio, verdict, reason } = await reportOn(Array.from({ length: 40 }, () => [1, 0, 1, 0]));
  expect(sampleRatio).toMatchObject({ users: [0, 40], alarm: true });
  expect(verdict).toBe('broken');
  expect(reason).toContain('first picks do not fit a fair draft');
});
