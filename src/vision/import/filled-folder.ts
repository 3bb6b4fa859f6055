/**
 * The folder that an import writes. It is filled beside its place and moved in when all of it holds: a refused import leaves what
 * was there, and another net, which a service and its features may rest on, is replaced only when that is asked for.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ServiceError } from '../../errors.ts';
import { type Net, type NetManifest, readNet } from '../net-manifest.ts';

/**
 * `fill` writes net.onnx and what belongs to it into the folder it is given, and returns the manifest.
 * Throws JOB_USAGE when `out` holds a net with another digest and `replace` is not said. A damaged net is no net.
 */
export async function fillNetFolder(
  out: string,
  replace: boolean,
  fill: (folder: string) => Promise<NetManifest> | NetManifest,
): Promise<NetManifest> {
  mkdirSync(out, { recursive: true });
  const draft = mkdtempSync(join(out, '.import-'));
  try {
    const manifest = await fill(draft);
    writeFileSync(join(draft, 'manifest.json'), `${JSON.stringify(manifest, null, 1)}\n`);
    if (!replace) keepOther(out, readNet(draft));
    rmSync(join(out, 'manifest.json'), { force: true });
    const files = readdirSync(draft).filter((name) => name !== 'manifest.json');
    // The manifest comes last: until then the folder holds no net.
    for (const name of [...files, 'manifest.json']) renameSync(join(draft, name), join(out, name));
    return manifest;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

function keepOther(out: string, made: Net): void {
  const there = wholeNet(out);
  if (!there || there.digest === made.digest) return;
  const [old, other] = [there, made].map(({ manifest, digest }) => `${manifest.name} (${digest.slice(0, 12)})`);
  throw new ServiceError('JOB_USAGE', {
    reason: `${out} holds the net ${old}, which may be in use, and this is ${other}: choose another --out, or say --replace`,
  });
}

function wholeNet(folder: string): Net | null {
  if (!existsSync(join(folder, 'manifest.json'))) return null;
  try {
    return readNet(folder);
  } catch {
    return null;
  }
}
