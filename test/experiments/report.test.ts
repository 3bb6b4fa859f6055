import { expect, test } from 'vitest';
import { openDatabase } from '../../src/catalog/database.ts';
import { dashboardOf, reportCsv } from '../../src/experiments/report/dashboard.ts';
import { readDefinition } from '../../src/experiments/experiment.ts';
import type { Experiment } from '../../src/experiments/experiment-store.ts';
import { ExperimentStore } from '../../src/experiments/experiment-store.ts';
import type { ExposedList } from '../../src/experiments/counting/exposed-list.ts';
import { DAY_MS, HAS_DOMINANT, WOULD_BE_SAME, WOULD_DIFFER } from '../../src/experiments/counting/exposed-list.ts';
import { countingRule } from '../../src/experiments/counting/exposure-log.ts';
import type { ExperimentReport } from '../../src/experiments/report/experiment-report.ts';
import { reportOf } from '../../src/experiments/report/report.ts';
import type { Cells } from '../../src/experiments/counting/unit-contribution.ts';
import { contribute } from '../../src/experiments/counting/unit-contribution.ts';
import type { Forecast } from '../../src/experiments/statistics/forecast.ts';
import { ForecastHistory } from '../../src/experiments/statistics/forecast.ts';
import type { ArmFindings } from '../../src/experiments/statistics/verdict.ts';
import { overallVerdict, verdictOf } from '../../src/experiments/statistics/verdict.ts';
import { seededRandom } from '../../src/math/random.ts';

const START = 20_000 * DAY_MS;
const HEALTHY = { crossed: 0, modelMissing: 0, withoutUnit: 0, eventsKeptApart: 0 };

function started(more: Record<string, unknown> = {}, stop = false): Experiment {
  const store = new ExperimentStore(openDatabase(':memory:'));
  const author = { by: 'test', at: START };
  const arms = [
    { key: 'control', weight: 0.5 },
    { key: 'b', weight: 0.5 },
  ];
  const guardrails = ['empty-lists', { metric: 'latency-ms', margin: 0.1 }];
  store.define(readDefinition({ key: 'e', arms, guardrails, expectedUnits: 4000, ...more }), author);
  const experiment = store.start('e', author);
  return stop ? store.stop('e', author) : experiment;
}

interface Plan {
  readonly units: number;
  /** Engagement per item in the control and in the arm; art only moves when `artOnly`. */
  readonly rates: readonly [number, number];
  readonly artOnly?: boolean;
  readonly slower?: number;
  readonly lost?: number;
  /** The arm's rate for people of the first day. */
  readonly firstDayRate?: number;
  readonly seed?: number;
}

/** A closeup of ten items. */
function visitOf(unit: number, arm: number, engaged: number): ExposedList {
  return {
    unit: `u${unit}`,
    at: START + 1000,
    listIndex: unit,
    arm,
    surface: 'closeup',
    category: 'art',
    flags: 0,
    shown: 10,
    impressions: 10,
    closeups: 0,
    clicks: engaged,
    longClicks: 0,
    saves: engaged > 1 ? 1 : 0,
    engaged,
    hides: 0,
    explored: 0,
    exploredEngaged: 0,
    firstSaveSeconds: engaged > 1 ? 5 : -1,
    latencyMs: 20,
    labels: '',
    values: '',
  };
}

/** Units that come on one of five days, twice, with ten items each time. */
function people(experiment: Experiment, plan: Plan): Cells {
  const random = seededRandom(plan.seed ?? 3);
  const cells: Cells = new Map();
  const rule = countingRule(experiment);
  for (let unit = 0; unit < plan.units; unit++) {
    const arm = unit % 2;
    if (arm === 1 && random.next() < (plan.lost ?? 0)) continue;
    const lists: ExposedList[] = [0, 1].map((visit) => {
      const art = random.next() < 0.5;
      const later = plan.artOnly && !art ? plan.rates[0] : plan.rates[arm];
      const rate = arm === 1 && unit % 5 === 0 ? (plan.firstDayRate ?? later) : later;
      let engaged = 0;
      for (let k = 0; k < 10; k++) if (random.next() < rate) engaged++;
      const day = START + (unit % 5) * DAY_MS + visit * DAY_MS + 1000;
      const flags = (art ? HAS_DOMINANT : 0) | (visit === 0 ? WOULD_BE_SAME : WOULD_DIFFER);
      const latencyMs = Math.round((20 + random.integer(10)) * (arm === 1 ? 1 + (plan.slower ?? 0) : 1));
      const category = art ? 'art' : 'quotes';
      return { ...visitOf(unit, arm, engaged), at: day, listIndex: unit * 2 + visit, category, flags, latencyMs };
    });
    contribute(cells, lists, rule, 1);
  }
  return cells;
}

function report(experiment: Experiment, plan: Plan, health = HEALTHY): ExperimentReport {
  return reportOf(experiment, people(experiment, plan), health);
}

test('a planted lift is found, its interval holds the truth, and the verdict is ship', () => {
  const found = report(started(), { units: 6000, rates: [0.1, 0.13] });
  expect(found.verdict).toBe('ship');
  const [row] = found.rows;
  expect([row.metric, row.segment]).toEqual(['engagement-rate', 'all']);
  expect(row.low).toBeLessThan(0.3);
  expect(row.high).toBeGreaterThan(0.3);
  expect(row.p).toBeLessThan(0.05);
  expect(found.guardrails.map((each) => each.state)).toEqual(['safe', 'safe']);
  expect(found.table4.map((each) => each.features)).toEqual(['control (control)', 'b']);
  expect(found.table4[1].engagement).toMatch(/^\+\d/);
});

// Once the least p over the days decided together with the lift of now: an early gain that was chance, and a lift of
// -0.02 % weeks later, read "makes it worse".
test('an early excursion does not decide, least of all against its own sign', () => {
  const found = report(started(), { units: 4000, rates: [0.1, 0.0738], firstDayRate: 0.2 });
  expect(found.sequence[0].low).toBeGreaterThan(0);
  const [row] = found.rows;
  expect([row.low! < 0, row.high! > 0]).toEqual([true, true]);
  expect(row.p).toBeGreaterThan(0.05);
  expect(found.verdict).toBe('keep running');
});

test('equal arms keep running; stopped, they are not shipped', () => {
  expect(report(started(), { units: 3000, rates: [0.1, 0.1] }).verdict).toBe('keep running');
  expect(report(started({}, true), { units: 3000, rates: [0.1, 0.1] })).toMatchObject({
    verdict: 'undecided',
    reason: /stopped before/,
  });
});

test('each arm tells its rates with what was divided by what', () => {
  const found = report(started(), { units: 4000, rates: [0.1, 0.13] });
  const [control, b] = found.arms.map(({ rates }) => rates.find(({ metric }) => metric === 'engagement-rate')!);
  expect(control.denominator).toBe(2000 * 20);
  expect(control.value).toBeCloseTo(control.numerator! / control.denominator!, 12);
  expect(b.value! / control.value! - 1).toBeCloseTo(found.rows[0].lift!, 12);
  expect(found.arms[0].rates.map(({ metric }) => metric)).toEqual(['engagement-rate', 'save-propensity', 'empty-lists', 'latency-ms']);
});

test('an absolute margin bears a harm that is large only as a share', () => {
  const plan = { units: 6000, rates: [0.1, 0.13], slower: 0.3 } as const;
  const relative = report(started(), plan).guardrails.find(({ metric }) => metric === 'latency-ms')!;
  expect(relative.state).toBe('harmed');
  const [base, slower] = report(started(), plan).arms.map(({ rates }) => rates.find(({ metric }) => metric === 'latency-ms')!.value!);
  const margin = 2 * (slower - base);
  const guardrails = [{ metric: 'latency-ms', margin, marginUnit: 'absolute' }];
  const found = report(started({ guardrails }), plan);
  expect(found.guardrails[0]).toMatchObject({ state: 'safe', marginUnit: 'absolute' });
  expect(found.guardrails[0].lift).toBeCloseTo(slower - base, 9);
  expect(found.verdict).toBe('ship');
  const strict = report(started({ guardrails: [{ ...guardrails[0], margin: margin / 4 }] }), plan);
  expect(strict).toMatchObject({ verdict: 'do not ship', reason: /\(absolute\)/ });
});

test('the first day is told by the hour, and an experiment that is older than the field has no hours', () => {
  const hourly = (curveByHour: boolean) => {
    const experiment = started({ curveByHour });
    const cells: Cells = new Map();
    for (let unit = 0; unit < 2000; unit++) {
      const at = START + (unit % 6) * 3_600_000 + 10;
      contribute(cells, [exposed(unit, at)], countingRule(experiment), 1);
    }
    return reportOf(experiment, cells, HEALTHY);
  };
  const found = hourly(true);
  expect(found.firstDay.map(({ hour }) => hour)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(found.firstDay.map(({ users }) => users)).toEqual([334, 668, 1001, 1334, 1667, 2000]);
  expect(found.firstDay.at(-1)!.lift).toBeCloseTo(found.rows[0].lift!, 12);
  expect(hourly(false).firstDay).toEqual([]);
});

/** A list of ten items of unit `unit`, in arm unit % 2; every third has an engaged item. */
function exposed(unit: number, at: number): ExposedList {
  return {
    listIndex: unit,
    unit: String(unit),
    arm: unit % 2,
    at,
    category: '',
    surface: 'closeup',
    flags: 0,
    shown: 10,
    impressions: 10,
    closeups: 0,
    clicks: unit % 3 === 0 ? 1 : 0,
    longClicks: 0,
    saves: 0,
    engaged: unit % 3 === 0 ? 1 : 0,
    hides: 0,
    explored: 0,
    exploredEngaged: 0,
    latencyMs: 5,
    firstSaveSeconds: -1,
    labels: '',
    values: '',
  };
}

test('where an arm explores, each arm says what became of it; elsewhere nobody does', () => {
  const arms = [
    { key: 'control', weight: 0.5 },
    { key: 'b', weight: 0.5, treatment: { exploration: { share: 0.1 } } },
  ];
  const named = (more: Record<string, unknown>): string[] =>
    report(started(more), { units: 50, rates: [0.1, 0.1] }).arms[1].rates.map(({ label }) => label);
  expect(named({ arms })).toEqual(expect.arrayContaining(['Exploration, share of items', 'Exploration, engagement rate']));
  expect(named({}).filter((label) => label.startsWith('Exploration'))).toEqual([]);
});

test('a harmful arm and a broken guardrail are not shipped', () => {
  expect(report(started(), { units: 6000, rates: [0.13, 0.1] })).toMatchObject({
    verdict: 'do not ship',
    reason: /worse/,
  });
  expect(report(started(), { units: 6000, rates: [0.1, 0.13], slower: 0.3 })).toMatchObject({
    verdict: 'do not ship',
    reason: /latency-ms/,
  });
});

test('an arm of weight zero is listed and not compared: it changes no figure, no verdict and no bound of the others', () => {
  const halves = [
    { key: 'control', weight: 0.5 },
    { key: 'b', weight: 0.5 },
  ];
  const plan = { units: 6000, rates: [0.1, 0.13] as const };
  const without = report(started({ minimumLift: 0.05 }), plan);
  const beside = report(started({ minimumLift: 0.05, arms: [...halves, { key: 'off', weight: 0 }] }), plan);
  expect(beside.arms[2]).toMatchObject({ arm: 'off', weight: 0, users: 0, lists: 0 });
  const exposuresPerDay = beside.exposuresPerDay.filter(({ arm }) => arm !== 'off');
  expect({ ...beside, exposuresPerDay, arms: [], sampleRatio: {} }).toEqual({ ...without, arms: [], sampleRatio: {} });
  expect(beside.sampleRatio).toMatchObject({ p: without.sampleRatio.p, exactP: without.sampleRatio.exactP, alarm: false });
  expect(beside.verdict).toBe('ship');
  expect(reportCsv(beside)).not.toContain('off');
});

test('where one arm gets all units nothing is compared, and the report says so', () => {
  const arms = [
    { key: 'control', weight: 1 },
    { key: 'b', weight: 0 },
  ];
  const alone = report(started({ arms }), { units: 600, rates: [0.1, 0.1], lost: 1 });
  expect(alone).toMatchObject({ verdict: 'keep running', reason: /nothing is compared/, sampleRatio: { p: 1, alarm: false }, rows: [] });
  expect(alone.power).toEqual({ minimumDetectableLift: null, unitsNeeded: null });
  const wrong = report(started({ arms }), { units: 600, rates: [0.1, 0.1] });
  expect(wrong).toMatchObject({ verdict: 'broken', sampleRatio: { p: 0, alarm: true } });
  const shipped = started(
    {
      arms: [
        { key: 'control', weight: 0 },
        { key: 'b', weight: 1 },
      ],
    },
    true,
  );
  expect(reportOf(shipped, new Map(), HEALTHY)).toMatchObject({ verdict: 'do not ship', reason: /nothing is compared/ });
});

test('a forecast counts the control and the first arm that gets units', () => {
  const arms = (...weights: number[]): unknown => weights.map((weight, arm) => ({ key: `arm-${arm}`, weight }));
  const forecastOf = (given: unknown): Forecast => {
    const experiment = started({ arms: given, metrics: ['engagement-rate'], minimumLift: 0.05 });
    const history = new ForecastHistory(experiment.definition, 0, countingRule(experiment));
    const facts = { surface: 'closeup', queryPinId: 'q', popularityRank: null, categories: [], hasDominantObject: false };
    for (let unit = 0; unit < 2000; unit++) history.add({ forced: false }, visitOf(unit, 0, unit % 7 === 0 ? 1 : 0), facts);
    return history.forecast(7, true);
  };
  const halves = forecastOf(arms(0.5, 0.5));
  expect(halves.metrics[0].detectableLift).toBeGreaterThan(0);
  expect(forecastOf(arms(0.5, 0, 0.5))).toEqual(halves);
  for (const one of [arms(1, 0), arms(0, 0.5, 0.5)])
    expect(forecastOf(one).metrics[0]).toMatchObject({ detectableLift: null, unitsNeeded: null });
});

test('a dead arm is broken after thirty users; one of sixty by chance is not', () => {
  const dead = report(started(), { units: 60, rates: [0.1, 0.1], lost: 1 });
  expect(dead).toMatchObject({ verdict: 'broken', sampleRatio: { of: 'users', users: [30, 0], alarm: true }, reason: /sample-ratio p/ });
  expect(dead.sampleRatio.exactP).toBeCloseTo(2 * 0.5 ** 30, 12);
  const fair = report(started(), { units: 60, rates: [0.1, 0.1], lost: 0.3 });
  expect(fair.sampleRatio.alarm).toBe(false);
});

test('the report says how long the experiment was meant to run, and whether it has', () => {
  const plan = { units: 3000, rates: [0.1, 0.1] } as const;
  expect(report(started({ plannedDays: 7 }), plan).window).toEqual({
    plannedDays: 7,
    endsAt: new Date(START + 7 * DAY_MS).toISOString(),
    reachedAt: new Date(START + 7 * DAY_MS).toISOString(),
  });
  const stopped = report(started({}, true), plan);
  expect(stopped.window).toMatchObject({ plannedDays: 14, reachedAt: null });
  expect(stopped.restsOn).toContain('planned for 14 days, which end on 2024-10-18');
  expect(() => started({ plannedDays: 0 })).toThrow('plannedDays');
});

test('lost units and a missing model are broken, whatever the lift', () => {
  const lost = report(started(), { units: 20_000, rates: [0.1, 0.13], lost: 0.15 });
  expect(lost).toMatchObject({ verdict: 'broken', sampleRatio: { alarm: true } });
  expect(report(started(), { units: 3000, rates: [0.1, 0.13] }, { ...HEALTHY, modelMissing: 4 })).toMatchObject({
    verdict: 'broken',
    reason: /4 lists/,
  });
});

test('an effect too small to matter is not shipped', () => {
  const experiment = started({ minimumLift: 0.2, expectedUnits: 20_000 });
  expect(report(experiment, { units: 20_000, rates: [0.1, 0.1] })).toMatchObject({
    verdict: 'do not ship',
    reason: /smallest lift/,
  });
});

test('segments show where the lift is; the sequence narrows day by day; every exposure stands on its day', () => {
  const found = report(started(), { units: 8000, rates: [0.1, 0.16], artOnly: true });
  const bySegment = new Map(found.rows.filter((row) => row.metric === 'engagement-rate').map((row) => [row.segment, row]));
  expect(bySegment.get('category: art')!.lift).toBeGreaterThan(0.4);
  expect(Math.abs(bySegment.get('category: quotes')!.lift!)).toBeLessThan(0.1);
  expect(bySegment.get('object: dominant')!.q).toBeLessThan(0.05);
  expect([...bySegment.keys()]).toContain('lists: differ');
  const widths = found.sequence.filter((point) => point.low !== null).map((point) => point.high! - point.low!);
  expect(widths.at(-1)).toBeLessThan(widths[0]);
  expect(found.exposuresPerDay.reduce((sum, each) => sum + each.users, 0)).toBe(8000);
  expect(found.novelty.map((each) => each.daysSinceFirst)).toEqual([0, 1]);
  expect(found.sequence.at(-1)!.lift).toBeCloseTo(found.rows[0].lift!, 12);
});

test('nothing yet: nulls, not numbers', () => {
  const found = reportOf(started(), new Map(), HEALTHY);
  expect(found).toMatchObject({ verdict: 'keep running', sampleRatio: { p: 1 }, sequence: [] });
  expect(found.rows[0]).toMatchObject({ lift: null, low: null, p: null, users: 0 });
});

test('the page gets sorted segments, health lines and a CSV that quotes', () => {
  const experiment = started();
  const found = report(experiment, { units: 6000, rates: [0.1, 0.14], artOnly: true });
  const view = dashboardOf(experiment, found, []);
  const lifts = view.segments.map((row) => row.lift ?? Number.NEGATIVE_INFINITY);
  expect(lifts).toEqual([...lifts].sort((a, b) => b - a));
  expect(view.health.map((line) => line.name)).toContain('Sample ratio');
  expect(view.sequence[0].days).toHaveLength(6);
  expect(JSON.parse(JSON.stringify(view))).toEqual(view);
  const csv = reportCsv(found).split('\r\n');
  expect(csv).toHaveLength(found.rows.length + 1);
  expect(csv[0]).toMatch(/^metric,arm,segment,users/);
});

const FINDINGS: ArmFindings = {
  arm: 'b',
  state: 'running',
  alpha: 0.05,
  armsTried: 1,
  metric: 'm',
  better: 'up',
  units: 1000,
  minimumLift: 0,
  unitsNeeded: null,
  window: 'planned for 14 days, not started',
  lift: { lift: 0.1, low: 0.02, high: 0.2, p: 0.01, error: 0.03 },
  guardrails: [],
  faults: [],
};

test('verdicts, rule by rule', () => {
  const say = (more: Partial<ArmFindings>) => verdictOf({ ...FINDINGS, ...more }).verdict;
  expect(say({})).toBe('ship');
  expect(say({ armsTried: 4 })).toBe('ship');
  expect(say({ armsTried: 6 })).toBe('keep running');
  expect(say({ better: 'down' })).toBe('do not ship');
  expect(say({ faults: ['x'] })).toBe('broken');
  expect(say({ guardrails: [{ metric: 'g', margin: 0.1, state: 'open' }] })).toBe('keep running');
  expect(say({ guardrails: [{ metric: 'g', margin: 0.1, state: 'harmed' }] })).toBe('do not ship');
  expect(say({ lift: { ...FINDINGS.lift, p: 0.2 } })).toBe('keep running');
  expect(say({ state: 'stopped', lift: { ...FINDINGS.lift, p: 0.2 } })).toBe('undecided');
  const of = (verdict: 'ship' | 'do not ship' | 'keep running' | 'undecided' | 'broken') => ({
    arm: verdict,
    verdict,
    reason: '',
    restsOn: [],
  });
  expect(overallVerdict([of('do not ship'), of('keep running')]).verdict).toBe('keep running');
  expect(overallVerdict([of('do not ship'), of('ship')]).verdict).toBe('ship');
  expect(overallVerdict([of('do not ship'), of('undecided')]).verdict).toBe('undecided');
  expect(overallVerdict([of('ship'), of('broken')]).verdict).toBe('broken');
});
