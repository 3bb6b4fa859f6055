import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { openDatabase } from '../../src/catalog/database.ts';
import { openLog } from '../../src/catalog/log/log-database.ts';
import { Experiments } from '../../src/experiments/experiments.ts';
import { NOTHING_KNOWN } from '../../src/experiments/experiment.ts';
import { tellVerdicts } from '../../src/experiments/verdict-messages.ts';
import { temporaryFolder } from '../world.ts';
import { engagement, servedList } from './served-lists.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** An address that takes messages, and answers with a status. */
async function taker(status: () => number) {
  const messages: Record<string, unknown>[] = [];
  const server = createServer((request, reply) => {
    let body = '';
    request.on('data', (part) => (body += part));
    request.on('end', () => {
      if (status() === 200) messages.push(JSON.parse(body) as Record<string, unknown>);
      reply.writeHead(status()).end();
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  closing.push(() => server.close());
  return { messages, address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook` };
}

test('a verdict that changes is told once, tried again where it was not taken, and stands in the history', async () => {
  const log = openLog(temporaryFolder());
  closing.push(() => log.close());
  const describe = () => ({ category: '', hasDominantObject: false });
  const core = new Experiments(openDatabase(':memory:'), { log, describe, holdout: 0 });
  closing.push(() => core.close());
  const author = { by: 'test', at: Date.now() - 1000 };
  const arms = [
    { key: 'control', weight: 0.5 },
    { key: 'b', weight: 0.5 },
  ];
  core.define({ key: 'e', arms, metrics: ['engagement-rate'], expectedUnits: 500 }, NOTHING_KNOWN, author);
  core.store.start('e', author);
  let status = 200;
  const { messages, address } = await taker(() => status);
  expect(await tellVerdicts(core, address, Date.now())).toEqual([]);
  expect(messages, 'nothing is news while it keeps running').toEqual([]);
  for (let person = 0; person < 800; person++) {
    const id = `list-${person}`;
    const at = Date.now() - 900;
    void log.lists.append(servedList(id, `person-${person}`, at, `e/${person % 2 === 0 ? 'control' : 'b'}`, [1, 2, 3, 4]));
    if (person % 2 === 1 || person % 10 === 0) void log.events.append([engagement(`${id}/save`, 'save', id, 1, at + 1)]);
  }
  log.commit.flush();
  await core.catchUpRunning();
  status = 500;
  expect(await tellVerdicts(core, address, Date.now())).toEqual([expect.stringContaining('answered 500')]);
  status = 200;
  expect(await tellVerdicts(core, address, Date.now())).toEqual([]);
  expect(await tellVerdicts(core, address, Date.now())).toEqual([]);
  expect(messages).toEqual([
    expect.objectContaining({ experiment: 'e', verdict: 'ship', before: null, text: expect.stringContaining('Experiment e: ship.') }),
  ]);
  expect(core.store.audit('e').filter(({ action }) => action === 'verdict')).toHaveLength(1);
});
