/** Parsers of text: files of rows, records, LETOR lines, cursors, models, manifests, settings of the caller. */
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { NESTING_MAX, whyNotParsed } from '../src/api/shell/json-body.ts';
import { FieldNames } from '../src/catalog/readers/field-names.ts';
import { readCsv } from '../src/catalog/readers/csv.ts';
import { readerOf } from '../src/catalog/readers/file-format.ts';
import { readJsonLines } from '../src/catalog/readers/json-lines.ts';
import { BEGINNING, type RowReader } from '../src/catalog/readers/row-reader.ts';
import { readBoard, readEvent, readPin, readSave } from '../src/catalog/pins/records.ts';
import { ServiceError } from '../src/errors.ts';
import type { Random } from '../src/math/random.ts';
import { LetorLine } from '../src/ranker/exchange/letor-line.ts';
import { readLetor } from '../src/ranker/exchange/letor-reader.ts';
import { decodeModel, encodeModel, type ModelArtifact } from '../src/ranker/registry/model-artifact.ts';
import { readCursor, writeCursor } from '../src/lists/page-cursor.ts';
import { checkManifest } from '../src/vision/net-manifest.ts';
import type { FuzzTarget } from './fuzz-target.ts';
import { mutated, writeCase } from './mutation.ts';

const ROWS_PER_FILE = 500;
const PER_BATCH = 500;
const GOOD_ROW =
  '{"id": "p1", "image": "a.jpg", "title": "Oak \\"chair\\"", "annotations": {"oak": 0.5}, "categories": {"design": 1}, "createdAt": 1700000000000}';
const GOOD_CSV = 'p1,"Oak ""chair""","{""oak"": 0.5}",2024-01-02T03:04:05Z';
const GOOD_LETOR = '2 qid:17 1:0.5 3:-1e-3 46:12345.75 # doc 4';

export function textTargets(folder: string): readonly FuzzTarget[] {
  return [
    rowFile('json-lines', join(folder, 'rows.jsonl'), readJsonLines, '', GOOD_ROW),
    rowFile('csv', join(folder, 'rows.csv'), readCsv, 'id,title,annotations,createdAt\n', GOOD_CSV),
    anyFile(folder),
    letorLines(),
    letorFiles(join(folder, 'rows.letor')),
    records(),
    bodies(),
    cursors(),
    models(),
    manifests(),
  ];
}

/** Files of good and damaged rows; a damaged row may swallow neighbours only inside an open quote (CSV). */
function rowFile(name: string, path: string, reader: RowReader, head: string, good: string): FuzzTarget {
  return {
    name,
    async batch(random) {
      const lines: Buffer[] = [Buffer.from(head)];
      for (let row = 0; row < ROWS_PER_FILE; row++) {
        lines.push(row % 2 === 0 ? Buffer.from(good) : withoutNewlines(mutated(Buffer.from(good), random)), Buffer.from('\n'));
      }
      writeCase(path, Buffer.concat(lines));
      let intact = 0;
      try {
        for await (const { rows } of reader(path, new FieldNames('pins'), BEGINNING)) {
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

/** Damaged files of every kind people bring, chosen by their content: read as rows with reasons, or refused; never lost without a word. */
function anyFile(folder: string): FuzzTarget {
  const rows = Array.from({ length: 40 }, (_, row) => GOOD_ROW.replace('p1', `p${row}`));
  const csv = ['sep=;', 'ID;title;tags', ...rows.map((_, row) => `p${row};"Oak; chair";oak, chair`)].join('\r\n');
  const wide = Buffer.from(`\ufeff${csv}`, 'utf16le');
  const good: readonly (readonly [string, Buffer])[] = [
    ['list.json', Buffer.from(`[${rows.join(',\n')}]`)],
    ['body.json', Buffer.from(`{"pins": [${rows.join(',')}], "next": null}`)],
    ['lines.jsonl.gz', gzipSync(rows.join('\n'))],
    ['wide.csv', wide],
    ['semicolons.txt', Buffer.from(csv)],
    ['wide.csv.gz', gzipSync(wide)],
  ];
  return {
    name: 'files of any kind',
    async batch(random) {
      for (const [name, bytes] of good) {
        const path = join(folder, name);
        writeCase(path, mutated(bytes, random));
        let read = 0;
        await allowed(async () => {
          const reader = await readerOf(path);
          for await (const { rows: found } of reader(path, new FieldNames('pins'), BEGINNING)) {
            read += found.length;
            for (const { value } of found) if (value !== undefined) readPin(value, 1_700_000_000_000);
          }
        });
        if (read > 2000) throw new Error(`${read} rows were read from ${rows.length}`);
      }
      return good.length;
    },
  };
}

function withoutNewlines(bytes: Buffer): Buffer {
  return Buffer.from(bytes.filter((byte) => byte !== 0x0a && byte !== 0x0d));
}

/** A damaged line is read as finite numbers in growing columns, or refused as RangeError. */
function letorLines(): FuzzTarget {
  const line = new LetorLine();
  const good = Buffer.from(GOOD_LETOR);
  return {
    name: 'svmlight lines',
    async batch(random) {
      for (let round = 0; round < PER_BATCH; round++) {
        const bytes = withoutNewlines(mutated(good, random));
        try {
          if (!line.read(bytes, 0, bytes.length)) continue;
        } catch (error) {
          if (!(error instanceof RangeError)) throw error;
          continue;
        }
        if (!(line.label >= 0 && Number.isFinite(line.label))) throw new Error(`label ${line.label} from ${bytes.toString('latin1')}`);
        for (let entry = 0; entry < line.length; entry++) {
          if (!Number.isFinite(line.values[entry])) throw new Error(`value ${line.values[entry]} from ${bytes.toString('latin1')}`);
        }
      }
      return PER_BATCH;
    },
  };
}

/** A file with damaged lines is read whole or refused by file and line. */
function letorFiles(path: string): FuzzTarget {
  return {
    name: 'svmlight files',
    async batch(random) {
      const good = Array.from({ length: 20 }, (_, row) => `${row % 3} qid:${Math.floor(row / 5)} 1:${row} 2:0.5`).join('\n');
      for (let round = 0; round < 10; round++) {
        writeCase(path, mutated(Buffer.from(good), random));
        await allowed(() => readLetor(path));
      }
      return 10;
    },
  };
}

/** Runs a parser; anything thrown but a ServiceError is a broken promise. */
async function allowed(parse: () => unknown): Promise<void> {
  try {
    await parse();
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
  }
}

const SHAPES: readonly ((random: Random) => unknown)[] = [
  () => null,
  (random) => random.next() * 1e300 - 5e299,
  (random) => random.integer(2 ** 31) - 2 ** 30,
  () => [],
  () => ({}),
  () => JSON.parse('{"__proto__": {"polluted": true}, "id": "x"}'),
  () => 'x'.repeat(400),
  (random) => random.integer(2) === 0,
  () => '\ud800',
  () => '2024-02-30T25:61:00+99:99',
  () => ({ toString: 1, constructor: null, weight: Number.NaN }),
];
const FIELDS = [
  'id',
  'image',
  'title',
  'link',
  'annotations',
  'categories',
  'buyable',
  'createdAt',
  'ownerId',
  'category',
  'pinId',
  'boardId',
  'userId',
  'at',
  'eventId',
  'type',
  'recommendationId',
  'position',
  'nonsense',
];

/** Values of any shape at the door of each record. */
function records(): FuzzTarget {
  const readers = [readPin, readBoard, readSave, readEvent];
  return {
    name: 'records',
    async batch(random) {
      for (let round = 0; round < 1000; round++) {
        const record: Record<string, unknown> = { id: 'p', pinId: 'p', boardId: 'b', eventId: 'e', type: 'click', recommendationId: 'r' };
        for (const field of FIELDS) if (random.integer(4) === 0) record[field] = random.pick(SHAPES)(random);
        random.pick(readers)(random.integer(20) === 0 ? random.pick(SHAPES)(random) : record, 1_700_000_000_000);
      }
      if (({} as { polluted?: boolean }).polluted) throw new Error('Object.prototype was polluted');
      return 1000;
    },
  };
}

/** A damaged cursor is refused, or names pins that exist. */
/** JSON bodies, damaged and nested: what is parsed is no deeper than the bound, and what was whole is never turned away. */
function bodies(): FuzzTarget {
  const good = Buffer.from(`{"events": [${GOOD_ROW}, {"a": [[[{}]]], "b": "[[\\"{{"}]}`);
  const valuesMax = 100;
  return {
    name: 'bodies',
    async batch(random) {
      for (let round = 0; round < PER_BATCH; round++) {
        const depth = random.integer(2 * NESTING_MAX);
        const nested = Buffer.from(`${random.pick(['[', '{"a":']).repeat(depth)}${good.toString()}`);
        const bytes = mutated(random.integer(2) === 0 ? nested : good, random);
        if (whyNotParsed(bytes, valuesMax) !== null) continue;
        try {
          if (depthOf(JSON.parse(bytes.toString())) > NESTING_MAX) throw new Error(`a body deeper than ${NESTING_MAX} was parsed`);
        } catch (error) {
          if (!(error instanceof SyntaxError)) throw error;
        }
      }
      if (whyNotParsed(good, valuesMax) !== null) throw new Error('a whole body was turned away');
      return PER_BATCH;
    },
  };
}

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Object.values(value).reduce<number>((deepest, each) => Math.max(deepest, depthOf(each)), 0);
}

function cursors(): FuzzTarget {
  const pins = 1000;
  const good = writeCursor({ at: 1_700_000_000_000, shown: [1, 5, 70, 900] }, 'closeup p1');
  return {
    name: 'cursors',
    async batch(random) {
      for (let round = 0; round < PER_BATCH; round++) {
        await allowed(() => {
          const { shown } = readCursor(mutated(Buffer.from(good), random).toString('latin1'), 'closeup p1', pins);
          if (shown.some((pin) => !(pin >= 0 && pin < pins))) throw new Error(`a cursor named ${shown.join(' ')}`);
        });
      }
      return PER_BATCH;
    },
  };
}

/** A damaged model is refused: its digest stands at its end. */
function models(): FuzzTarget {
  const features = [{ name: 'a', weight: 0.5, normalization: { kind: 'none' } }] as unknown as ModelArtifact['features'];
  const good = encodeModel({ format: 1, name: 'm', kind: 'rank-svm', features } as unknown as ModelArtifact);
  return {
    name: 'models',
    async batch(random) {
      for (let round = 0; round < PER_BATCH; round++) {
        const bytes = mutated(good, random);
        let opened = false;
        await allowed(() => {
          decodeModel(bytes, 'm');
          opened = true;
        });
        if (opened && !bytes.equals(good)) throw new Error('a damaged model was opened');
      }
      return PER_BATCH;
    },
  };
}

const GOOD_MANIFEST = {
  name: 'net',
  kind: 'classifier',
  input: {
    name: 'data',
    width: 32,
    height: 32,
    layout: 'NCHW',
    channels: 'RGB',
    mean: [0, 0, 0],
    scale: 0.0039,
    resize: 'stretch-bilinear',
  },
  outputs: { fc6: 'fc6', fc8: 'fc8' },
  labels: ['a', 'b'],
  sha256: 'a'.repeat(64),
  licence: 'MIT',
};

function manifests(): FuzzTarget {
  const good = Buffer.from(JSON.stringify(GOOD_MANIFEST));
  return {
    name: 'manifests',
    async batch(random) {
      for (let round = 0; round < PER_BATCH; round++) {
        let value: unknown;
        try {
          value = JSON.parse(mutated(good, random).toString());
        } catch {
          value = { ...GOOD_MANIFEST, [random.pick(Object.keys(GOOD_MANIFEST))]: random.pick(SHAPES)(random) };
        }
        await allowed(() => checkManifest(value, 'net'));
      }
      return PER_BATCH;
    },
  };
}
