/** Lists that nobody served: what people want is known. */
import type { JudgedList } from '../../src/catalog/log/judged-list.ts';
import { openLog } from '../../src/catalog/log/log-database.ts';
import { zeroMatrix } from '../../src/math/matrix.ts';
import { seededRandom } from '../../src/math/random.ts';
import { FEATURE_COLUMNS } from '../../src/ranker/scoring/feature-table.ts';

export const LENGTH = 12;
export const UTILITY: Readonly<Record<string, number>> = { 'log-saves': 1, 'fc6-similarity': 2, 'fc6 x art': 1.5 };

/** People look at position k with probability 1 / k^bias and engage by utility; served by log-saves alone or shuffled. */
export function* madeUpLog(lists: number, seed: number, bias: number, shuffledShare: number, wanted = UTILITY): Generator<JudgedList> {
  const random = seededRandom(seed);
  for (let list = 0; list < lists; list++) {
    const values = zeroMatrix(LENGTH, FEATURE_COLUMNS);
    const utility = new Float64Array(LENGTH);
    for (let item = 0; item < LENGTH; item++) {
      for (const [name, weight] of Object.entries(wanted)) {
        const value = Math.fround(random.normal());
        values.data[item * values.columns + FEATURE_COLUMNS.indexOf(name)] = value;
        utility[item] += weight * value;
      }
    }
    const shuffled = random.next() < shuffledShare;
    const noise = Array.from({ length: LENGTH }, () => random.normal());
    const saves = (item: number): number => values.data[item * values.columns + FEATURE_COLUMNS.indexOf('log-saves')];
    const order = Array.from({ length: LENGTH }, (_, item) => item).sort((a, b) => (shuffled ? noise[a] - noise[b] : saves(b) - saves(a)));
    const rows = zeroMatrix(LENGTH, FEATURE_COLUMNS);
    const grades = new Float32Array(LENGTH);
    order.forEach((item, at) => {
      rows.data.set(values.data.subarray(item * values.columns, (item + 1) * values.columns), at * values.columns);
      const looked = random.next() < 1 / (at + 1) ** bias;
      if (looked && random.next() < 1 / (1 + Math.exp(2 - utility[item]))) grades[at] = utility[item] > 3 ? 4 : 2;
    });
    yield {
      recommendationId: `r${list}`,
      at: list * 3_600_000,
      surface: 'closeup',
      queryPinIndex: list % 40,
      userId: `u${list % 50}`,
      arm: null,
      modelVersion: 'as-retrieved',
      shuffled,
      grades,
      items: {
        count: LENGTH,
        pinIndexes: Int32Array.from(order),
        positions: Uint16Array.from({ length: LENGTH }, (_, at) => at + 1),
        scores: new Float64Array(LENGTH),
        propensities: new Float32Array(LENGTH).fill(1),
        retrievedRanks: Int32Array.from(order, (_, at) => LENGTH - 1 - at),
        sourceNames: ['board-cooccurrence'],
        sourceScores: new Float32Array(LENGTH),
        rows,
      },
    };
  }
}

/** The same as the log of a data folder: a save for grade 4, a click for grade 2. */
export async function writeMadeUpLog(folder: string, lists: Iterable<JudgedList>): Promise<void> {
  const log = openLog(folder);
  for (const { grades, ...list } of lists) {
    await log.lists.append({ ...list, treatment: '{}', forced: false, latencyMs: 1, degraded: [] });
    const acted = [...grades.keys()].filter((item) => grades[item] > 0);
    const { recommendationId, userId, at } = list;
    const events = acted.map((item) => ({
      eventId: `${recommendationId} ${item}`,
      type: grades[item] === 4 ? ('save' as const) : ('click' as const),
      pinIndex: list.items.pinIndexes[item],
      position: list.items.positions[item],
      at: at + 1000,
      ...{ recommendationId, userId },
    }));
    if (events.length > 0) await log.events.append(events);
  }
  log.close();
}
