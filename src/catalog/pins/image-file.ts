/**
 * Finds the file that a name means. Tables name photos as another system wrote them: composed or decomposed letters (macOS
 * writes NFD), another case, `%20` for a blank. The name itself comes first; else the one entry of the folder that differs
 * in nothing but these.
 */
import { readdir, stat } from 'node:fs/promises';
import { join, parse, sep } from 'node:path';
import { LRUCache } from 'lru-cache';

/** Listings of folders by path and time of change: thousands of rows name files of the same few. */
const listings = new LRUCache<string, ReadonlyMap<string, readonly string[]>>({ max: 32 });

/** The path of the file, or null when there is none, or several that differ in case alone. */
export async function findFile(path: string): Promise<string | null> {
  if (await exists(path)) return path;
  const { root } = parse(path);
  let found = root;
  for (const name of path.slice(root.length).split(sep)) {
    const next = join(found, name);
    const entry: string | null = (await exists(next)) ? next : await likeName(found, name);
    if (entry === null) return null;
    found = entry;
  }
  return found;
}

async function likeName(folder: string, name: string): Promise<string | null> {
  const entries = await listed(folder);
  for (const wanted of [name, unescaped(name)]) {
    if (wanted === null) continue;
    const alike = entries.get(folded(wanted)) ?? [];
    const same = alike.filter((entry) => entry.normalize('NFC') === wanted.normalize('NFC'));
    if (same.length > 0) return join(folder, same[0]);
    if (alike.length === 1) return join(folder, alike[0]);
  }
  return null;
}

/** Entries of a folder by their folded name; none for what is no folder. */
async function listed(folder: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const changed = await stat(folder).catch(() => null);
  const key = `${folder}\0${changed?.mtimeMs}`;
  const known = listings.get(key);
  if (known) return known;
  const entries = new Map<string, string[]>();
  for (const entry of await readdir(folder).catch(() => [] as string[]))
    entries.set(folded(entry), [...(entries.get(folded(entry)) ?? []), entry]);
  listings.set(key, entries);
  return entries;
}

function folded(name: string): string {
  return name.normalize('NFC').toLowerCase();
}

/** Null where nothing is escaped, or where it would lead elsewhere. */
function unescaped(name: string): string | null {
  try {
    const plain = decodeURIComponent(name);
    return plain === name || /[/\\\0]/.test(plain) ? null : plain;
  } catch {
    return null;
  }
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
