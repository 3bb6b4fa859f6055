import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { projectRoot } from '../../src/worker-url.ts';

test.each(['index', 'value', 'compile'])('the built copy of TypeBox gives what the package gives: %s', async (entry) => {
  const root = fileURLToPath(projectRoot());
  const built = (await import(pathToFileURL(join(root, 'dist/node_modules/typebox', `${entry}.mjs`)).href)) as object;
  const path = entry === 'index' ? 'index.mjs' : `${entry}/index.mjs`;
  const whole = (await import(pathToFileURL(join(root, 'node_modules/typebox/build', path)).href)) as object;
  // An entry that another one needs may export more, under short names.
  expect(Object.keys(built)).toEqual(expect.arrayContaining(Object.keys(whole)));
});
