import { readFileSync } from 'node:fs';

/**
 * Where a worker script or a compiled asset is. Tests run the TypeScript of `src/` and `lab/` directly; both are then taken
 * from the built tree in `dist/`. A built file finds them beside itself.
 */
export function workerUrl(from: string, relative: string): URL {
  return assetUrl(from, relative.replace(/\.ts$/, '.js'));
}

function assetUrl(from: string, relative: string): URL {
  const root = projectRoot().href;
  return new URL(relative, from.endsWith('.ts') ? `${root}dist/${from.slice(root.length)}` : from);
}

const kernels = new Map<string, WebAssembly.Module>();

/** The compiled WebAssembly module beside the caller, compiled once. `relative` ends in `.wasm`. Throws when it was not built. */
export function wasmKernel(from: string, relative: string): WebAssembly.Module {
  const url = assetUrl(from, relative);
  let kernel = kernels.get(url.href);
  if (!kernel) kernels.set(url.href, (kernel = new WebAssembly.Module(readFileSync(url))));
  return kernel;
}

/** The project's root folder: `data/` and `package.json` are in it. */
export function projectRoot(): URL {
  return import.meta.url.endsWith('.ts') ? new URL('../', import.meta.url) : new URL('../../', import.meta.url);
}
