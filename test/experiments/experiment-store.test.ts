import { expect, test } from 'vitest';
import { openDatabase } from '../../src/catalog/database.ts';
import { ServiceError } from '../../src/errors.ts';
import { ActiveExperiments } from '../../src/experiments/active-experiments.ts';
import { NOTHING_KNOWN, readDefinition } from '../../src/experiments/experiment.ts';
import { ExperimentStore } from '../../src/experiments/experiment-store.ts';

const ARMS = [
  { key: 'control', weight: 0.5, treatment: {} },
  { key: 'C', weight: 0.5, treatment: 'variant C' },
];
const DANA = { by: 'dana', at: 1000 };
const ME = { userId: 'me', sessionId: null };
const NOBODY = { userId: null, sessionId: null };
const QUERY = { surface: 'closeup', queryPinId: 'p', popularityRank: null, categories: [], hasDominantObject: true };

function refusal(work: () => unknown): { code: string; field: unknown } {
  try {
    work();
  } catch (error) {
    if (error instanceof ServiceError) return { code: error.code, field: error.fields.field };
    throw error;
  }
  throw new Error('nothing was refused');
}

test.each([
  [
    'arms',
    {
      key: 'e',
      arms: [
        { key: 'a', weight: 0.5 },
        { key: 'b', weight: 0.4 },
      ],
    },
  ],
  [
    'arms[1].key',
    {
      key: 'e',
      arms: [
        { key: 'a', weight: 0.5 },
        { key: 'a', weight: 0.5 },
      ],
    },
  ],
  [
    'arms[1].treatment.model',
    {
      key: 'e',
      arms: [
        { key: 'a', weight: 0.5 },
        { key: 'b', weight: 0.5, treatment: { model: 'nope' } },
      ],
    },
  ],
  [
    'arms[1].treatment',
    {
      key: 'e',
      arms: [
        { key: 'a', weight: 0.5 },
        { key: 'b', weight: 0.5, treatment: 'variant Z' },
      ],
    },
  ],
  [
    'arms[0].weight',
    {
      key: 'e',
      arms: [
        { key: 'a', weight: '0.5' },
        { key: 'b', weight: 0.5 },
      ],
    },
  ],
  ['arms[1].weight', { key: 'e', arms: [ARMS[0], { key: 'b', weight: 0.000_01 }, { key: 'c', weight: 0.499_99 }] }],
  ['arms[2].weight', { key: 'e', design: 'interleaved', arms: [...ARMS, { key: 'off', weight: 0 }] }],
  ['arms', { key: 'e', arms: [ARMS[0], { key: 'b', weight: 0 }] }],
  ['metrics[0]', { key: 'e', arms: ARMS, metrics: ['happiness'] }],
  ['guardrails[0].metric', { key: 'e', arms: ARMS, guardrails: [{ metric: 'x' }] }],
  ['layer.slots', { key: 'e', arms: ARMS, layer: { name: 'l', slots: [0.5, 0.2] } }],
  ['eligibility.querySet', { key: 'e', arms: ARMS, eligibility: { querySet: {} } }],
  ['hashVersion', { key: 'e', arms: ARMS, hashVersion: 9 }],
  ['forced.me', { key: 'e', arms: ARMS, forced: { me: 'nobody' } }],
  ['trafic', { key: 'e', arms: ARMS, trafic: 1 }],
  ['key', { key: 'Has Spaces', arms: ARMS }],
  ['definition', 7],
])('a wrong %s is refused with the field named', (field, definition) => {
  expect(refusal(() => readDefinition(definition, { ...NOTHING_KNOWN, models: ['m1'] }))).toEqual({
    code: 'EXPERIMENT_INVALID',
    field,
  });
});

test('metrics may be written in any of the usual ways', () => {
  expect(readDefinition({ key: 'e', arms: ARMS, metrics: ['engagementRate', 'save propensity', 'empty_lists'] }).metrics).toEqual([
    'engagement-rate',
    'save-propensity',
    'empty-lists',
  ]);
});

test('draft, running, stopped, archived; and everything is written down', () => {
  const store = new ExperimentStore(openDatabase(':memory:'));
  store.define(readDefinition({ key: 'e', traffic: 0.1, arms: ARMS }), DANA);
  expect(refusal(() => store.stop('e', DANA)).code).toBe('EXPERIMENT_STATE');
  expect(store.start('e', { by: 'li', at: 2000 })).toMatchObject({ state: 'running', startedAt: 2000 });
  expect(refusal(() => store.start('e', DANA)).code).toBe('EXPERIMENT_STATE');
  expect(store.define(readDefinition({ key: 'e', traffic: 0.5, arms: ARMS }), DANA)).toMatchObject({
    version: 2,
    state: 'running',
  });
  expect(refusal(() => store.define(readDefinition({ key: 'e', traffic: 0.2, arms: ARMS }), DANA)).field).toBe('traffic');
  expect(refusal(() => store.define(readDefinition({ key: 'e', traffic: 0.5, seed: 'x', arms: ARMS }), DANA)).field).toBe('seed');
  store.stop('e', { by: 'li', at: 3000 });
  expect(refusal(() => store.define(readDefinition({ key: 'e', arms: ARMS }), DANA)).code).toBe('EXPERIMENT_STATE');
  store.archive('e', DANA);
  expect(store.audit('e').map((entry) => [entry.by, entry.action])).toEqual([
    ['dana', 'defined'],
    ['li', 'started'],
    ['dana', 'changed'],
    ['li', 'stopped'],
    ['dana', 'archived'],
  ]);
  expect(store.audit('e')[2].detail).toBe('traffic: 0.1 -> 0.5');
  expect(store.definitionAt('e', 1)?.traffic).toBe(0.1);
  expect(refusal(() => store.get('f')).code).toBe('EXPERIMENT_UNKNOWN');
});

test('running experiments may not overlap in a layer', () => {
  const store = new ExperimentStore(openDatabase(':memory:'));
  const slots = (key: string, from: number, to: number) =>
    readDefinition({ key, layer: { name: 'ranker', slots: [from, to] }, arms: ARMS });
  store.define(slots('a', 0, 0.5), DANA);
  store.define(slots('b', 0.4, 1), DANA);
  store.start('a', DANA);
  expect(refusal(() => store.start('b', DANA))).toEqual({ code: 'EXPERIMENT_INVALID', field: 'layer' });
  expect(refusal(() => store.define(slots('c', 0, 1), DANA))).toEqual({ code: 'EXPERIMENT_INVALID', field: 'layer' });
  store.define(slots('b', 0.5, 1), DANA);
  expect(store.start('b', DANA).state).toBe('running');
});

test('serving sees a start within a second and lays treatments of several layers over each other', () => {
  const store = new ExperimentStore(openDatabase(':memory:'));
  const active = new ActiveExperiments(store, 0);
  store.define(readDefinition({ key: 'a', layer: 'one', arms: ARMS, forced: { me: 'C' } }), DANA);
  store.define(
    readDefinition({
      key: 'b',
      layer: 'two',
      arms: [
        { key: 'x', weight: 0.5 },
        { key: 'y', weight: 0.5, treatment: { sources: ['annotations'] } },
      ],
      forced: { me: 'y' },
    }),
    DANA,
  );
  expect(active.decide(ME, QUERY, 0).arms).toEqual([]);
  store.start('a', DANA);
  store.start('b', DANA);
  const { arms, treatment } = active.decide(ME, QUERY, 1500);
  expect(arms).toEqual([
    { experiment: 'a', arm: 'C', forced: true },
    { experiment: 'b', arm: 'y', forced: true },
  ]);
  expect(treatment).toEqual({
    visualFrom: 'image',
    whenDominantObject: { visualWeightFactor: 5 },
    sources: ['annotations'],
  });
  expect(active.decide(NOBODY, QUERY, 1500).arms.map((each) => each.arm)).toEqual(['-', '-']);
});
