/**
 * Damaged input for every parser: each case must be taken or refused with a ServiceError, never crash, hang or give back
 * something else. A case of a row file is one damaged row among good ones: the good ones must all come through.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ArtifactFile } from '../src/catalog/artifact-file.ts';
import { ArtifactFolder } from '../src/catalog/artifact-folder.ts';
import { readCsv } from '../src/catalog/readers/csv.ts';
import { readJsonLines } from '../src/catalog/readers/json-lines.ts';
import { BEGINNING, type RowReader } from '../src/catalog/readers/row-reader.ts';
import { PIN_SHAPE, readPin } from '../src/catalog/records.ts';
import { reasonOf, ServiceError } from '../src/errors.ts';
import { deriveSeed, type Random, seededRandom } from '../src/math/random.ts';
import { decodeImage, drawSvg } from '../src/vision/image-tensor.ts';
import { mutated } from './mutation.ts';
import type { Scenario } from './scenario.ts';

interface Target {
  readonly name: string;
  /** Runs a batch of cases; returns how many. Throws with the reason when a promise was broken. */
  batch(random: Random): Promise<number>;
}

const ROWS_PER_FILE = 500;
const GOOD_ROW = '{"id": "p1", "image": "a.jpg", "title": "Oak \\"chair\\"", "annotations": {"oak": 0.5}, "categories": {"design": 1}, "createdAt": 1700000000000}';
const GOOD_CSV = 'p1,"Oak ""chair""","{""oak"": 0.5}",2024-01-02T03:04:05Z';
const CASE_MS = 5000;

export const fuzz: Scenario = async ({ minutes, seed, rounds, say }) => {
  const folder = mkdtempSync(join(tmpdir(), 'related-pins-fuzz-'));
  const targets = await targetsIn(folder);
  const deadline = Date.now() + minutes * 60_000;
  const cases: Record<string, number> = Object.fromEntries(targets.map(({ name }) => [name, 0]));
  const failures: string[] = [];
  const randoms = new Map(targets.map(({ name }) => [name, seededRandom(deriveSeed(seed, name))]));
  try {
    while (Date.now() < deadline && failures.length < 20) {
      const open = targets.filter(({ name }) => cases[name] < (rounds ?? Number.POSITIVE_INFINITY));
      if (open.length === 0) break;
      for (const target of open) {
        const startedAt = Date.now();
        try {
          cases[target.name] += await target.batch(randoms.get(target.name) as Random);
        } catch (error) {
          failures.push(`${target.name}, case ${cases[target.name]}: ${reasonOf(error)}`);
          cases[target.name] += 1;
        }
        if (Date.now() - startedAt > CASE_MS) failures.push(`${target.name}: a batch took ${Date.now() - startedAt} ms`);
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  say(Object.entries(cases).map(([name, count]) => `${name} ${count}`).join(', '));
  const total = Object.values(cases).reduce((sum, count) => sum + count, 0);
  return { rounds: total, lost: 0, doubled: 0, failed: failures.length, failures, cases };
};

async function targetsIn(folder: string): Promise<readonly Target[]> {
  const jpeg = await drawSvg('<svg xmlns="http://www.w3.org/2000/svg" width="48" height="32"><rect width="48" height="32" fill="teal"/></svg>', 'jpeg');
  const png = await drawSvg('<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><circle cx="20" cy="20" r="15" fill="red"/></svg>', 'png');
  return [
    rowFile('json-lines', join(folder, 'rows.jsonl'), readJsonLines, '', GOOD_ROW),
    rowFile('csv', join(folder, 'rows.csv'), readCsv, 'id,title,annotations,createdAt\n', GOOD_CSV),
    records(),
    artifacts(folder),
    images('jpeg', jpeg),
    images('png', png),
  ];
}

/** Files of good and damaged rows; a damaged row may swallow neighbours only inside an open quote (CSV). */
function rowFile(name: string, path: string, reader: RowReader, head: string, good: string): Target {
  return {
    name,
    async batch(random) {
      const lines: Buffer[] = [Buffer.from(head)];
      for (let row = 0; row < ROWS_PER_FILE; row++) {
        lines.push(row % 2 === 0 ? Buffer.from(good) : withoutNewlines(mutated(Buffer.from(good), random)), Buffer.from('\n'));
      }
      writeFileSync(path, Buffer.concat(lines));
      let intact = 0;
      try {
        for await (const { rows } of reader(path, PIN_SHAPE, BEGINNING)) {
          for (const row of rows) if ((row.value as { id?: unknown } | undefined)?.id === 'p1') intact++;
        }
      } catch (error) {
        if (!(error instanceof ServiceError)) throw error;
        return ROWS_PER_FILE / 2;
      }
      if (name === 'json-lines' && intact < ROWS_PER_FILE / 2) throw new Error(`${ROWS_PER_FILE / 2 - intact} good rows were lost`);
      return ROWS_PER_FILE / 2;
    },
  };
}

function withoutNewlines(bytes: Buffer): Buffer {
  return Buffer.from(bytes.filter((byte) => byte !== 0x0a && byte !== 0x0d));
}

/** Values of any shape at the door of a record. */
function records(): Target {
  const shapes: readonly ((random: Random) => unknown)[] = [
    () => null,
    (random) => random.next() * 1e300 - 5e299,
    () => [],
    () => ({}),
    () => JSON.parse('{"__proto__": {"polluted": true}, "id": "x"}'),
    () => 'x'.repeat(400),
    (random) => random.integer(2) === 0,
    () => '\ud800',
    () => ({ toString: 1, constructor: null, weight: Number.NaN }),
  ];
  return {
    name: 'records',
    async batch(random) {
      for (let round = 0; round < 1000; round++) {
        const record: Record<string, unknown> = { id: random.integer(3) === 0 ? random.pick(shapes)(random) : 'p' };
        for (const field of ['image', 'title', 'link', 'annotations', 'categories', 'buyable', 'createdAt', 'nonsense']) {
          if (random.integer(2) === 0) record[field] = random.pick(shapes)(random);
        }
        readPin(random.integer(20) === 0 ? random.pick(shapes)(random) : record, 1_700_000_000_000);
      }
      if (({} as { polluted?: boolean }).polluted) throw new Error('Object.prototype was polluted');
      return 1000;
    },
  };
}

/** Damaged artifacts: refused by name, unless the bytes came out as they were. */
function artifacts(folder: string): Target {
  const root = join(folder, 'artifacts');
  const store = new ArtifactFolder(root, 'fuzz', 1);
  const version = store.write({ made: 'here' }, { numbers: Float32Array.from([1, 2, 3]), bytes: Uint8Array.from([4, 5]) });
  const path = join(root, 'fuzz', `${version}.bin`);
  const good = readBytes(path);
  return {
    name: 'artifacts',
    async batch(random) {
      for (let round = 0; round < 100; round++) {
        const bytes = mutated(good, random);
        writeFileSync(path, bytes);
        let refused = false;
        try {
          const file = new ArtifactFile(path, 1);
          file.close?.();
        } catch (error) {
          if (!(error instanceof ServiceError) || error.code !== 'ARTIFACT_REFUSED') throw error;
          refused = true;
        }
        if (!refused && !bytes.equals(good)) throw new Error('a damaged artifact was opened');
      }
      return 100;
    },
  };
}

function readBytes(path: string): Buffer {
  return Buffer.from(readFileSync(path));
}

function images(kind: string, good: Uint8Array): Target {
  return {
    name: `images ${kind}`,
    async batch(random) {
      for (let round = 0; round < 20; round++) {
        try {
          await decodeImage(mutated(good, random));
        } catch (error) {
          if (!(error instanceof ServiceError)) throw error;
        }
      }
      return 20;
    },
  };
}
