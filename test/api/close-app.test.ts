import fastify from 'fastify';
import { expect, test } from 'vitest';
import { closeApp } from '../../src/api/shell/close-app.ts';
import type { App } from '../../src/api/routes/routes.ts';

test('nothing new is taken before the hooks run, and what has begun is answered before they do', async () => {
  const app = fastify() as unknown as App;
  const order: string[] = [];
  app.get('/', async () => {
    await new Promise((later) => setTimeout(later, 50));
    order.push(app.server.listening ? 'answered while others are taken' : 'answered');
    return 'told';
  });
  app.addHook('onClose', async () => {
    await new Promise((later) => setTimeout(later, 20));
    order.push('hooks');
  });
  const address = await app.listen({ port: 0, host: '127.0.0.1' });
  const reply = fetch(address, { headers: { connection: 'close' } });
  await new Promise((begun) => app.server.once('request', begun));
  await closeApp(app, { stopping: false, config: { drainMs: 0 } as never });
  expect(await (await reply).text()).toBe('told');
  expect(order).toEqual(['answered', 'hooks']);
  await expect(fetch(address)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
});
