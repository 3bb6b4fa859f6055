import { expect, test } from 'vitest';
import { type CpuProfile, costParts, partOfFile } from '../../bench/cost-parts.ts';

const frame = (functionName: string, url: string) => ({ functionName, url, lineNumber: 0 });

/** root -> handler (src/api) -> read (src/catalog) -> all (native); idle and garbage beside them. */
const profile: CpuProfile = {
  nodes: [
    { id: 1, callFrame: frame('(root)', ''), children: [2, 5, 6] },
    { id: 2, callFrame: frame('handler', 'file:///x/dist/src/api/routes/closeup.js'), children: [3] },
    { id: 3, callFrame: frame('read', 'file:///x/dist/src/catalog/log/served-list-log.js'), children: [4] },
    { id: 4, callFrame: frame('all', '') },
    { id: 5, callFrame: frame('(idle)', '') },
    { id: 6, callFrame: frame('(garbage collector)', '') },
  ],
  samples: [2, 3, 4, 5, 6],
  timeDeltas: [100, 100, 200, 5000, 100],
};

test('files belong to rooms of src, to libraries and to modules of Node', () => {
  expect(partOfFile('file:///x/dist/src/catalog/log/served-list-log.js')).toBe('src/catalog');
  expect(partOfFile('file:///x/dist/src/related-pins.js')).toBe('src');
  expect(partOfFile('file:///x/node_modules/@fastify/multipart/index.js')).toBe('@fastify/multipart');
  expect(partOfFile('node:_http_outgoing')).toBe('node:http');
  expect(partOfFile('')).toBeNull();
});

test('time is scaled to the processor time of the thread, idle left out; native functions count for their caller', () => {
  const { parts, functions } = costParts(profile, 10, 1000);
  // 500 microseconds were sampled beside idling, the thread used 1,000 for ten requests: each sampled one is 0.2 of a request.
  expect(parts).toContainEqual({ part: 'src/catalog', self: 60, inclusive: 60 });
  expect(parts).toContainEqual({ part: 'src/api', self: 20, inclusive: 80 });
  expect(parts).toContainEqual({ part: '(garbage collector)', self: 20, inclusive: 20 });
  expect(parts.reduce((sum, { self }) => sum + self, 0)).toBe(100);
  expect(functions[0]).toEqual({ function: 'all (native) of read src/catalog/log/served-list-log.js:1', self: 40 });
});
