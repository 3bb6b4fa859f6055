/**
 * Detections per pin and detector, as the net gave them: before suppression, everything over the floor. Thresholds are
 * applied when they are read, so they change without running the net again. Two detectors live side by side, by digest.
 */
import { join } from 'node:path';
import { type Database, type DatabaseOptions, migrate, openDatabase } from '../catalog/database.ts';
import type { Net } from '../vision/net-manifest.ts';
import type { Detection, ImageDetections } from './detection.ts';

const TABLES = [
  `CREATE TABLE detectors (
     detectorId INTEGER PRIMARY KEY,
     digest TEXT NOT NULL UNIQUE,
     name TEXT NOT NULL,
     labels TEXT NOT NULL
   );
   CREATE TABLE detections (
     detectorId INTEGER NOT NULL,
     pinIndex INTEGER NOT NULL,
     imageVersion INTEGER NOT NULL,
     width INTEGER NOT NULL,
     height INTEGER NOT NULL,
     failure TEXT,
     boxes BLOB NOT NULL,
     PRIMARY KEY (detectorId, pinIndex)
   ) WITHOUT ROWID;`,
];

/** Numbers kept per detection: label, score, x1, y1, x2, y2. */
const NUMBERS = 6;
/** Detections kept per pin, highest scored first. */
const MOST_PER_PIN = 300;

/** What one image gave, or why it gave nothing. */
export interface DetectionRow {
  readonly pinIndex: number;
  readonly imageVersion: number;
  readonly found: ImageDetections | null;
  readonly failure: string | null;
}

interface StoredRow {
  pinIndex: number;
  imageVersion: number;
  width: number;
  height: number;
  failure: string | null;
  boxes: Buffer;
}

/** The detections of one net. */
export class DetectionStore {
  private readonly database: Database;
  private readonly detectorId: number;
  private readonly labels: readonly string[];

  constructor(database: Database, net: Pick<Net, 'digest' | 'manifest'>) {
    this.database = database;
    migrate(database, 'detections', TABLES);
    this.labels = net.manifest.labels ?? [];
    this.detectorId = this.register(net);
  }

  /** Writes rows in one transaction; a pin's earlier row of the same net is replaced. */
  write(rows: readonly DetectionRow[]): void {
    const insert = this.database.prepare('INSERT OR REPLACE INTO detections VALUES (?, ?, ?, ?, ?, ?, ?)');
    this.database
      .transaction(() => {
        for (const { pinIndex, imageVersion, found, failure } of rows) {
          const boxes = Buffer.from(this.pack(found?.detections ?? []).buffer);
          insert.run(this.detectorId, pinIndex, imageVersion, found?.width ?? 0, found?.height ?? 0, failure, boxes);
        }
      })
      .immediate();
  }

  /** All detections of a pin's image, highest score first; null when the net has not seen it, or it was refused. */
  read(pinIndex: number): ImageDetections | null {
    const row = this.database.prepare('SELECT * FROM detections WHERE detectorId = ? AND pinIndex = ?').get(this.detectorId, pinIndex) as
      StoredRow | undefined;
    return row && row.failure === null ? this.unpack(row) : null;
  }

  /** The image version each pin was seen in, by pinIndex; what a resumed job need not do again. Refused images too, unless left out. */
  versionsSeen({ refused = true } = {}): Map<number, number> {
    const rows = this.database
      .prepare('SELECT pinIndex, imageVersion FROM detections WHERE detectorId = ? AND (? OR failure IS NULL)')
      .raw()
      .all(this.detectorId, refused ? 1 : 0);
    return new Map(rows as [number, number][]);
  }

  /** Every pin's detections in the order of pins; refused images are passed over. */
  *all(): IterableIterator<{ readonly pinIndex: number; readonly found: ImageDetections }> {
    const page = this.database.prepare(
      'SELECT * FROM detections WHERE detectorId = +? AND pinIndex > +? AND failure IS NULL ORDER BY pinIndex LIMIT 1000',
    );
    for (let after = -1; ;) {
      const rows = page.all(this.detectorId, after) as StoredRow[];
      for (const row of rows) yield { pinIndex: row.pinIndex, found: this.unpack(row) };
      if (rows.length === 0) return;
      after = rows[rows.length - 1].pinIndex;
    }
  }

  /** Whether the net has looked at no image. */
  get isEmpty(): boolean {
    return !this.looked(this.detectorId);
  }

  /** Whether another detector has looked at one. */
  get othersHave(): boolean {
    const others = this.database.prepare('SELECT detectorId FROM detectors WHERE detectorId <> ?').pluck().all(this.detectorId) as number[];
    return others.some((other) => this.looked(other));
  }

  private looked(detectorId: number): boolean {
    return this.database.prepare('SELECT 1 FROM detections WHERE detectorId = +? LIMIT 1').get(detectorId) !== undefined;
  }

  /** Images refused, by reason. */
  failures(): Record<string, number> {
    const rows = this.database
      .prepare('SELECT failure, count(*) FROM detections WHERE detectorId = +? AND failure IS NOT NULL GROUP BY failure')
      .raw()
      .all(this.detectorId) as [string, number][];
    return Object.fromEntries(rows);
  }

  close(): void {
    this.database.close();
  }

  private register({ digest, manifest }: Pick<Net, 'digest' | 'manifest'>): number {
    const find = this.database.prepare('SELECT detectorId FROM detectors WHERE digest = ?').pluck();
    const known = find.get(digest) as number | undefined;
    if (known !== undefined || this.database.readonly) return known ?? -1;
    this.database
      .prepare('INSERT OR IGNORE INTO detectors (digest, name, labels) VALUES (?, ?, ?)')
      .run(digest, manifest.name, JSON.stringify(this.labels));
    return find.get(digest) as number;
  }

  private pack(detections: readonly Detection[]): Float32Array {
    const numbers = new Float32Array(NUMBERS * Math.min(detections.length, MOST_PER_PIN));
    for (let i = 0; i < numbers.length / NUMBERS; i++) {
      const { label, score, box } = detections[i];
      numbers.set([this.labels.indexOf(label), score, ...box], i * NUMBERS);
    }
    return numbers;
  }

  private unpack({ width, height, boxes }: StoredRow): ImageDetections {
    const numbers = new Float32Array(boxes.buffer.slice(boxes.byteOffset, boxes.byteOffset + boxes.byteLength));
    const detections = Array.from({ length: numbers.length / NUMBERS }, (_, i) => {
      const [label, score, x1, y1, x2, y2] = numbers.subarray(i * NUMBERS, (i + 1) * NUMBERS);
      return { label: this.labels[label], score, box: [x1, y1, x2, y2] as const };
    });
    return { width, height, detections };
  }
}

/** Opens the detections of a net in a data folder. */
export function openDetectionStore(
  dataFolder: string,
  net: Pick<Net, 'digest' | 'manifest'>,
  options: DatabaseOptions = {},
): DetectionStore {
  return new DetectionStore(openDatabase(join(dataFolder, 'detections.sqlite'), options), net);
}
