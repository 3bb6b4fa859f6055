/**
 * Where a worker script or a compiled asset lies. From `src/` (tests run the TypeScript directly) both are taken from
 * the built `dist/src/`; from `dist/` they lie beside the caller.
 */
export function workerUrl(from: string, relative: string): URL {
  return assetUrl(from, relative.replace(/\.ts$/, '.js'));
}

export function assetUrl(from: string, relative: string): URL {
  const base = from.endsWith('.ts') ? from.replace(/\/src\/(?!.*\/src\/)/, '/dist/src/') : from;
  return new URL(relative, base);
}

/** The project's root folder: `data/` and `package.json` are in it. */
export function projectRoot(): URL {
  return import.meta.url.endsWith('.ts') ? new URL('../', import.meta.url) : new URL('../../', import.meta.url);
}
