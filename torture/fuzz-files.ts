/** Parsers of bytes: artifacts, images, ONNX graphs and sessions, Parquet. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ArtifactFile } from '../src/catalog/artifacts/artifact-file.ts';
import { ArtifactFolder } from '../src/catalog/artifacts/artifact-folder.ts';
import { digestOf } from '../src/catalog/artifacts/digest.ts';
import { parquetReader } from '../src/catalog/readers/parquet.ts';
import { FieldNames } from '../src/catalog/readers/field-names.ts';
import { BEGINNING } from '../src/catalog/readers/row-reader.ts';
import { ServiceError } from '../src/errors.ts';
import { decodeImage, drawSvg } from '../src/vision/image-tensor.ts';
import { readGraph } from '../src/vision/import/onnx-graph.ts';
import { openSession } from '../src/vision/onnx-session.ts';
import { projectRoot } from '../src/worker-url.ts';
import type { FuzzTarget } from './fuzz-target.ts';
import { mutated, writeCase } from './mutation.ts';

const DIGEST_BYTES = 16;
const DRAWING =
  '<svg xmlns="http://www.w3.org/2000/svg" width="48" height="32"><rect width="48" height="32" fill="teal"/><circle cx="20" cy="16" r="9" fill="red"/></svg>';

export async function fileTargets(folder: string): Promise<readonly FuzzTarget[]> {
  const onnx = readFileSync(fileURLToPath(new URL('test/cases/two-feature-ranker.onnx', projectRoot())));
  return [
    artifacts(folder),
    images('jpeg', await drawSvg(DRAWING, 'jpeg')),
    images('png', await drawSvg(DRAWING, 'png')),
    images('svg', Buffer.from(DRAWING)),
    graphs(onnx),
    sessions(onnx),
    parquet(join(folder, 'rows.parquet'), await parquetBytes()),
  ];
}

/**
 * Damaged artifacts: refused by name, unless the bytes came out as they were. Every other one carries the right digest
 * of its damaged bytes, as a forger would: refused by name or whole, every array readable.
 */
function artifacts(folder: string): FuzzTarget {
  const root = join(folder, 'artifacts');
  const store = new ArtifactFolder(root, 'fuzz', 1);
  const version = store.write({ made: 'here' }, { numbers: Float32Array.from([1, 2, 3]), bytes: Uint8Array.from([4, 5]) });
  const path = join(root, 'fuzz', `${version}.bin`);
  const good = readFileSync(path);
  return {
    name: 'artifacts',
    async batch(random) {
      for (let round = 0; round < 100; round++) {
        const forged = round % 2 === 0;
        const bytes = forged ? withDigest(mutated(good.subarray(0, -DIGEST_BYTES), random)) : mutated(good, random);
        writeCase(path, bytes);
        const opened = openedWhole(path);
        if (opened && !forged && !bytes.equals(good)) throw new Error('a damaged artifact was opened');
      }
      return 100;
    },
  };
}

function withDigest(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.from(digestOf(bytes), 'latin1')]);
}

/** False when it was refused by name; anything else that goes wrong is thrown. */
function openedWhole(path: string): boolean {
  try {
    const file = new ArtifactFile(path, 1);
    for (const name of file.names) file.read(name);
    file.close();
    return true;
  } catch (error) {
    if (!(error instanceof ServiceError) || error.code !== 'ARTIFACT_REFUSED') throw error;
    return false;
  }
}

function images(kind: string, good: Uint8Array): FuzzTarget {
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

/** Our own reader of the graph: a structure, or RangeError. */
function graphs(good: Uint8Array): FuzzTarget {
  return {
    name: 'onnx graphs',
    async batch(random) {
      for (let round = 0; round < 200; round++) {
        try {
          readGraph(mutated(good, random));
        } catch (error) {
          if (!(error instanceof RangeError)) throw error;
        }
      }
      return 200;
    },
  };
}

/** The runtime itself: a session, or NET_REFUSED; the process lives on. */
function sessions(good: Uint8Array): FuzzTarget {
  return {
    name: 'onnx sessions',
    async batch(random) {
      for (let round = 0; round < 20; round++) {
        try {
          await (await openSession(mutated(good, random), 'fuzz', { provider: 'cpu' })).close();
        } catch (error) {
          if (!(error instanceof ServiceError)) throw error;
        }
      }
      return 20;
    },
  };
}

async function parquetBytes(): Promise<Uint8Array> {
  const { parquetWriteBuffer } = await import('hyparquet-writer');
  const rows = Array.from({ length: 40 }, (_, row) => row);
  return new Uint8Array(
    parquetWriteBuffer({
      columnData: [
        { name: 'id', data: rows.map((row) => `p${row}`), type: 'STRING' },
        { name: 'title', data: rows.map((row) => `title ${row % 7}`), type: 'STRING' },
        { name: 'createdAt', data: rows.map((row) => BigInt(row)), type: 'INT64' },
      ],
    }),
  );
}

/** Rows, or a refusal, within a second; whatever a page claims. */
function parquet(path: string, good: Uint8Array): FuzzTarget {
  const read = parquetReader(1000);
  return {
    name: 'parquet',
    async batch(random) {
      for (let round = 0; round < 2; round++) {
        writeCase(path, mutated(good, random));
        try {
          for await (const { rows } of read(path, new FieldNames('pins'), BEGINNING))
            if (rows.length > 1e6) throw new Error(`${rows.length} rows out of 40`);
        } catch (error) {
          if (!(error instanceof ServiceError)) throw error;
        }
      }
      return 2;
    },
  };
}
