import { expect, test } from 'vitest';
import { openLog } from '../../src/catalog/log/log-database.ts';
import { GRADES, readGrades } from '../../src/grades.ts';
import { collectLogData } from '../../src/ranker/training/log-data.ts';
import { preferencesOf } from '../../src/ranker/training/ranking-data.ts';
import { preferencePairs } from './preference-pairs.ts';
import { servedList } from '../catalog/served-list-case.ts';

test('grades are read by name, what is not named keeps its own', () => {
  expect(readGrades('save=5, hide=-2')).toEqual({ ...GRADES, save: 5, hide: -2 });
  expect(readGrades('click=0.5')).toMatchObject({ click: 0.5 });
});

test.each([
  ['like=3', 'it names "like"; there are: save, longClick, click, closeup, seen, hide'],
  ['save', 'save must be a number within -10..10, it is ""'],
  ['save=11', 'save must be a number within -10..10, it is "11"'],
  ['save=1,longClick=1,click=1,closeup=1,seen=1,hide=1', 'all grades are the same: nothing can be learned from them'],
])('refuses %s', (text, problem) => {
  expect(readGrades(text)).toBe(problem);
});

test('a training run learns by its own grades: which pairs there are, and on which side a hidden item stands', async () => {
  const log = openLog(':memory:');
  await log.lists.append(servedList({ pins: [10, 11, 12], rows: [[1], [2], [3]] }));
  const event = { recommendationId: 'r1', position: null, userId: null, at: 2000 };
  await log.events.append([
    { ...event, eventId: '1', type: 'closeup', pinIndex: 11 },
    { ...event, eventId: '2', type: 'hide', pinIndex: 12 },
  ]);
  const pairs = (text: string | null): string[] => {
    const grades = text === null ? undefined : (readGrades(text) as typeof GRADES);
    const data = collectLogData(log.judged({ grades, withUntouched: true }));
    return [...preferencePairs(preferencesOf(data))].map(({ better, worse }) => `${better}>${worse}`).sort();
  };
  expect(pairs(null)).toEqual(['0>2', '1>0', '1>2']);
  expect(pairs('closeup=0')).toEqual(['0>2', '1>2']);
  expect(pairs('closeup=0,hide=0')).toEqual([]);
  expect(pairs('seen=-1,closeup=-1,hide=0')).toEqual(['2>0', '2>1']);
  log.close();
});
