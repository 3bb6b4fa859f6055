/** A pin that was taken away is in no reply of any process from the receipt on; every route of the OpenAPI document is asked. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openCatalog } from '../../src/catalog/pins/catalog-store.ts';
import { UNDO_MS } from '../../src/catalog/pins/removal-store.ts';
import { job as removePins } from '../../src/jobs/catalog/remove-pins.ts';
import { job as extract } from '../../src/jobs/nets/extract-features.ts';
import { job as detect } from '../../src/jobs/nets/detect-objects.ts';
import { job as indexObjects } from '../../src/jobs/search/index-objects.ts';
import { type Server, startServer } from '../../src/server.ts';
import { forgetRemoved } from '../../src/service/forget-removed.ts';
import { runJob } from '../run-job.ts';
import { testConfig, worldFolder } from '../world.ts';
import { GONE, QUESTIONS, TWIN, type Question } from './takedown-questions.ts';

let folder: string;
let server: Server;

beforeAll(async () => {
  folder = await worldFolder();
  await runJob(extract, folder);
  await runJob(detect, folder);
  await runJob(indexObjects, folder);
  const kept = { replyCacheMs: 60_000, workers: 2, port: 0 };
  server = await startServer({ ...testConfig(folder), ...kept }, folder);
  await tellOfThePin();
}, 180_000);
afterAll(() => server.close(), 60_000);

interface Answer {
  readonly path: string;
  readonly status: number;
  readonly text: string;
}

/** A request on a connection of its own: each goes to the next process. */
async function ask(method: string, path: string, { body, form }: Question = {}): Promise<Answer> {
  const headers = { connection: 'close', ...(body ? { 'content-type': 'application/json' } : {}) };
  const sent = form ? formOf(form) : body && JSON.stringify(body);
  const reply = await fetch(`${server.address}${path}`, { method, headers, body: sent });
  return { path: `${method} ${path} ${JSON.stringify(body ?? form ?? '')}`, status: reply.status, text: await reply.text() };
}

function formOf(fields: Readonly<Record<string, string>>): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    if (name === 'image') form.set(name, new Blob([readFileSync(join(folder, 'images', `${value}.png`))]), 'photo.png');
    else form.set(name, value);
  }
  return form;
}

const json = async <T>(method: string, path: string, body?: Question['body']): Promise<T> =>
  JSON.parse((await ask(method, path, { body })).text) as T;

/** Everything the pin can be named in: a twin, a judged pair, an experiment on its closeup, a study. */
async function tellOfThePin(): Promise<void> {
  await json('POST', '/v1/near-duplicates', { pinIds: [GONE, TWIN], same: true });
  await json('POST', '/v1/near-duplicates', { pinIds: [GONE, 'plant-4'], same: false });
  const arms = [
    { key: 'control', weight: 0.5 },
    { key: 'words', weight: 0.5, treatment: { sources: ['annotations'] } },
  ];
  const eligibility = { querySet: { pinIds: [GONE] } };
  await json('POST', '/v1/experiments', { key: 'orders', arms, eligibility, counterfactualShare: 1 });
  await json('POST', '/v1/experiments/orders/start', {});
  const treatments = { treatmentA: { sources: ['annotations'] }, treatmentB: { sources: ['board-cooccurrence'] } };
  await json('POST', '/v1/judgements', { study: 'looks', ...treatments, queries: 12, length: 8, repeats: 0 });
  for (let tries = 0; tries < 100; tries++) {
    for (let user = 0; user < 4; user++) await ask('GET', `/v1/pins/${GONE}/related?userId=visitor-${tries}-${user}`);
    await json('GET', '/v1/experiments/orders/report');
    const { differences } = await json<{ differences: unknown[] }>('GET', '/v1/experiments/orders/differences');
    if (differences.length > 0) return;
  }
  throw new Error('no list of the experiment differs');
}

/** Enough connections that every process is asked. */
const TIMES = 4;
/** Questions that are asked at the same time. */
const AT_ONCE = 6;

/** Whether a reply names the pin as one of its own: a refusal may, in a sentence. */
const holds = (text: string): boolean => text.includes(`"${GONE}"`);

interface Asked extends Question {
  readonly method: string;
  readonly path: string;
}

const ASKED: readonly Asked[] = Object.entries(QUESTIONS).flatMap(([route, questions]) => {
  const [method, path] = route.split(' ');
  return typeof questions === 'string' ? [] : questions.map((question) => ({ path, ...question, method }));
});
const OWN = ASKED.filter(({ own }) => own);
const LISTS = ASKED.filter(({ own }) => !own);
const listOf = (route: string, place = 0): Asked => LISTS.filter(({ method, path }) => `${method} ${path}`.startsWith(route))[place];
const CLOSEUP = listOf('GET /v1/pins/plant-1/related');
const BUYABLE = listOf('GET /v1/pins/plant-1/related', 1);
const SEARCH = listOf('POST /v1/visual-search');
const FEED = listOf('GET /v1/users/cleo-plant');
const BROWSE = listOf('GET /v1/pins?');

/** In an order that asks the same of each process in turn; a few at a time, for more would be refused as too many. */
async function everywhere(asked: readonly Asked[]): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let from = 0; from < asked.length; from += AT_ONCE) {
    const rounds = asked.slice(from, from + AT_ONCE).flatMap((question) => Array.from({ length: TIMES }, () => question));
    answers.push(...(await Promise.all(rounds.map((question) => ask(question.method, question.path, question)))));
  }
  return answers;
}

/** All tasks of the study as one judge meets them. */
async function tasksOf(judge: string): Promise<string[]> {
  const texts: string[] = [];
  let { task } = await json<{ task: { taskId: string } | null }>('GET', `/v1/judgements/looks/next?judge=${judge}`);
  while (task) {
    texts.push(JSON.stringify(task));
    ({ task } = await json<{ task: { taskId: string } | null }>('POST', '/v1/judgements/looks', { taskId: task.taskId, judge, answer: 0 }));
  }
  return texts;
}

describe('a takedown', () => {
  test('every route of the document is in the table, and no other', async () => {
    const { paths } = await json<{ paths: Record<string, Record<string, unknown>> }>('GET', '/v1/openapi.json');
    const routes = Object.entries(paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(Object.keys(QUESTIONS).sort()).toEqual(routes.sort());
  });

  test('before it, the pin is all over the place', async () => {
    const replies = await everywhere(LISTS.filter(({ perhaps }) => !perhaps));
    for (const { path, status, text } of replies) expect({ path, status, holds: holds(text) }).toEqual({ path, status: 200, holds: true });
    for (const { path, status } of await everywhere(OWN)) expect(status, path).toBe(200);
    expect((await tasksOf('early')).some(holds)).toBe(true);
  });

  test('right after the receipt no process has it in any reply, and nothing is known of it', async () => {
    const receipt = await ask('DELETE', `/v1/pins/${GONE}`);
    expect(receipt).toMatchObject({ status: 200 });
    expect(JSON.parse(receipt.text)).toMatchObject({ read: 1, written: 1, unchanged: 0, rejected: {} });
    for (const { path, status, text } of await everywhere(LISTS)) {
      expect(status, path).toBe(200);
      expect(holds(text), path).toBe(false);
    }
    for (const { path, status } of await everywhere(OWN)) expect(status, path).toBe(404);
    expect((await tasksOf('later')).filter(holds)).toEqual([]);
    expect(JSON.parse((await ask('DELETE', `/v1/pins/${GONE}`)).text)).toMatchObject({ written: 0, unchanged: 1 });
    expect((await ask('DELETE', '/v1/pins/nobody')).status).toBe(404);
  });

  test('and comes back as it was', async () => {
    const [before] = (await everywhere([SEARCH])).map(({ text }) => text);
    expect(holds(before)).toBe(false);
    expect(JSON.parse((await ask('POST', `/v1/pins/${GONE}/restore`)).text)).toMatchObject({ written: 1 });
    for (const { path, status } of await everywhere(OWN)) expect(status, path).toBe(200);
    expect((await everywhere([CLOSEUP, SEARCH, BROWSE])).every(({ text }) => holds(text))).toBe(true);
  });

  test('what is sold out leaves lists of things to buy as fast', async () => {
    expect((await everywhere([BUYABLE])).every(({ text }) => holds(text))).toBe(true);
    await json('POST', '/v1/pins', { pins: [{ id: GONE, buyable: false }] });
    expect((await everywhere([BUYABLE])).some(({ text }) => holds(text))).toBe(false);
    await json('POST', '/v1/pins', { pins: [{ id: GONE, buyable: true, stock: 0 }] });
    expect((await everywhere([BUYABLE])).every(({ text }) => holds(text))).toBe(true);
    const inStock = { method: 'GET', path: '/v1/pins/plant-1/related?limit=50&filter=stock%3E0' };
    expect((await everywhere([inStock])).some(({ text }) => holds(text))).toBe(false);
    await json('POST', '/v1/pins', { pins: [{ id: GONE, stock: 3 }] });
    expect((await everywhere([inStock])).every(({ text }) => holds(text))).toBe(true);
  });

  test('a job beside the service takes pins away as fast, and undoes it', async () => {
    const file = join(folder, 'gone.txt');
    writeFileSync(file, `${GONE}\r\nnobody\r\n`);
    expect(await runJob(removePins, folder, { file })).toMatchObject({ read: 2, written: 1, rejected: { PIN_UNKNOWN: { count: 1 } } });
    expect((await everywhere(LISTS)).filter(({ text }) => holds(text))).toEqual([]);
    expect(await runJob(removePins, folder, { file, undo: true })).toMatchObject({ written: 1 });
    const list = join(folder, 'gone.json');
    writeFileSync(list, JSON.stringify([GONE]));
    const taken = await runJob(removePins, folder, { file: list });
    expect(taken).toMatchObject({ read: 1, written: 1, rejected: {} });
    expect(await runJob(removePins, folder, { file: list, undo: true })).toMatchObject({ written: 1 });
    writeFileSync(list, '[]');
    const nothing = await runJob(removePins, folder, { file: list });
    const some = await runJob(removePins, folder, { file, undo: true });
    expect(
      [taken, nothing, some].map((receipt) => removePins.exitCode?.(receipt)),
      'none named, or one unknown',
    ).toEqual([0, 1, 1]);
    expect((await everywhere([CLOSEUP])).every(({ text }) => holds(text))).toBe(true);
  });

  test('under load: no list that was asked for after a receipt holds the pin', async () => {
    const wrong: string[] = [];
    let goneSince: number | null = null;
    let stop = false;
    const reader = async (path: string): Promise<number> => {
      for (let count = 0; ; count++) {
        if (stop) return count;
        const askedAt = performance.now();
        const since = goneSince;
        const { text } = await ask('GET', path);
        if (since !== null && askedAt >= since && goneSince === since && holds(text)) wrong.push(path);
      }
    };
    const readers = [CLOSEUP, FEED, BROWSE, CLOSEUP].map(({ path }) => reader(path));
    for (let round = 0; round < 10; round++) {
      await ask('DELETE', `/v1/pins/${GONE}`);
      goneSince = performance.now();
      await new Promise((later) => setTimeout(later, 60));
      goneSince = null;
      await ask('POST', `/v1/pins/${GONE}/restore`);
    }
    stop = true;
    const asked = (await Promise.all(readers)).reduce((sum, count) => sum + count, 0);
    expect(asked).toBeGreaterThan(40);
    expect(wrong).toEqual([]);
  });

  test('a save and a board go, and with them what they said', async () => {
    const { catalog } = server.context;
    const saved = (): number => catalog.saves.countOf(catalog.pins.indexOf(GONE));
    const before = saved();
    const save = { pinId: GONE, boardId: 'plants of ann' };
    expect(await json('DELETE', '/v1/saves', save)).toMatchObject({ written: 1 });
    expect(saved()).toBe(before - 1);
    expect(await json('POST', '/v1/saves/restore', save)).toMatchObject({ written: 1 });
    expect(saved()).toBe(before);
    const boards = ['ann', 'bob', 'cleo'].map((user) => `/v1/boards/${encodeURIComponent(`plants of ${user}`)}`);
    for (const board of boards) expect(JSON.parse((await ask('DELETE', board)).text)).toMatchObject({ written: 1 });
    const { text: sources } = await ask('POST', '/v1/rank', { body: { queryPinId: 'plant-1', pinIds: ['plant-3'] } });
    expect(sources).not.toContain('"board-cooccurrence"');
    expect(catalog.saves.boardsOf(catalog.pins.indexOf('plant-1'))).toHaveLength(0);
    expect(JSON.parse((await ask('GET', '/v1/pins?category=gardening')).text)).toMatchObject({ pins: [] });
    for (const board of boards) expect(JSON.parse((await ask('POST', `${board}/restore`)).text)).toMatchObject({ written: 1 });
    expect(saved()).toBe(before);
    expect((await ask('DELETE', '/v1/boards/nothing')).status).toBe(404);
  });
});

test('after a day it is forgotten: texts, picture, features, and no way back', async () => {
  const other = await worldFolder();
  await runJob(extract, other);
  const catalog = openCatalog(other);
  const pinIndex = catalog.pins.indexOf(GONE);
  const now = Date.now();
  catalog.removals.removePins([pinIndex], now);
  expect(forgetRemoved(catalog, other, now + UNDO_MS - 1)).toBe(0);
  expect(existsSync(join(other, 'images', `${GONE}.png`))).toBe(true);
  expect(forgetRemoved(catalog, other, now + UNDO_MS)).toBe(1);
  expect(forgetRemoved(catalog, other, now + UNDO_MS)).toBe(0);
  expect(existsSync(join(other, 'images', `${GONE}.png`))).toBe(false);
  expect(existsSync(join(other, 'images', 'plant-1.png'))).toBe(true);
  expect(catalog.pins.get(pinIndex)).toMatchObject({ id: GONE, title: '', image: null, link: null, annotations: {}, removed: true });
  expect(catalog.saves.countOf(pinIndex)).toBe(0);
  expect(catalog.removals.restorePins([pinIndex], now + UNDO_MS)).toBe(0);
  catalog.close();
});
