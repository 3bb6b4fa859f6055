/** One net's features as serving reads them: the packed artifact, and over it the rows written since. */
import type { ArtifactFile } from '../catalog/artifacts/artifact-file.ts';
import { ServiceError } from '../errors.ts';
import { ClassScores } from './class-scores.ts';
import { ClassSigns } from './class-signs.ts';
import { ObjectRows } from './object-rows.ts';
import { allocateCodeTable, grownCodeTable, readCodes } from './code-table.ts';
import { featureArtifacts, type FeatureArtifactMetadata } from './feature-artifact.ts';
import type { FeatureNet } from './convnet.ts';
import { type FeatureRow, type FeatureStore, netKeyOf, type Subject } from './feature-store.ts';
import { NO_TABLES, type SharedFeatures, type SharedTables } from './shared-tables.ts';
import type { CodeTable, ObjectFeatures, VisualFeatures } from './visual-features.ts';

export class ResidentFeatures implements VisualFeatures {
  readonly netDigest: string;
  readonly netKey: string;
  readonly imageScores: ClassScores | ClassSigns;
  /** Replaced by a larger one as pins arrive: read it through this object each time. */
  image: CodeTable;
  /** Rows up to this write of the store are in. */
  sequence: number;
  /** Grows with every row that is laid over others. */
  version = 0;
  private readonly objects: ObjectRows;
  private readonly file: ArtifactFile | null;
  /** Names what the tables were read from; null: no artifact. */
  private readonly of: string | null;

  constructor(net: FeatureNet, bits: number, file: ArtifactFile | null, byteLimit: number, tables: SharedTables = NO_TABLES) {
    this.file = file;
    this.netDigest = net.digest;
    this.netKey = netKeyOf(net);
    const metadata = file ? checked(file, net, bits) : null;
    const pins = metadata?.pins ?? 0;
    this.sequence = metadata?.sequence ?? 0;
    this.of = file && `${this.netKey} ${file.digest}`;
    const shared = tables.find(({ of }) => of === this.of);
    this.image = shared?.image ?? allocateCodeTable(bits, pins + Math.max(1024, pins >> 2));
    // Artifacts of versions before hold the rows of a short code as numbers.
    this.imageScores =
      net.shortCode && (file === null || file.names.includes('signs'))
        ? new ClassSigns(net.fc8Length, file, pins, shared?.signs)
        : new ClassScores(net.fc8Length, file, byteLimit, shared?.scores);
    if (file && !shared) readCodes(file, 'codes', this.image);
    const packed = file && metadata && { file, words: this.image.words, length: net.fc8Length, labels: metadata.objectLabels, pins };
    this.objects = new ObjectRows(packed);
  }

  /** For other threads of this process that open the same artifact; null: there is none. */
  shared(): SharedFeatures | null {
    const { of, image, imageScores } = this;
    if (of === null) return null;
    return imageScores instanceof ClassSigns
      ? { of, image, scores: null, signs: imageScores.shared }
      : { of, image, scores: imageScores.memory, signs: null };
  }

  objectOf(pinIndex: number): ObjectFeatures | null {
    return this.objects.of(pinIndex);
  }

  objectLabelOf(pinIndex: number): string | null {
    return this.objects.labelOf(pinIndex);
  }

  /** Takes in what was written to the store since the last look. */
  refresh(store: FeatureStore, netId: number): void {
    for (const row of store.changedSince(netId, this.sequence)) this.put(row.subject, row);
    this.sequence = Math.max(this.sequence, store.sequence(netId));
  }

  /** Lays one row over what is there; a row without a code takes the old one away. */
  put(subject: Subject, row: FeatureRow): void {
    this.version++;
    if (subject === 'object') {
      const { label, code, scores } = row;
      this.objects.put(row.pinIndex, code && scores ? { label: label ?? '', code, scores } : null);
      return;
    }
    if (row.pinIndex >= this.image.capacity)
      this.image = grownCodeTable(this.image, Math.max(row.pinIndex + 1, Math.ceil(this.image.capacity * 1.5)));
    if (row.code) this.image.codes.set(row.code, row.pinIndex * this.image.words);
    this.image.has[row.pinIndex] = row.code ? 1 : 0;
    this.imageScores.put(row.pinIndex, row.scores);
  }

  close(): void {
    this.file?.close();
  }
}

/**
 * The features of a net in a data folder: its current artifact and fresh rows. `tables`: what other threads have in memory.
 * Throws ARTIFACT_REFUSED when the artifact is damaged or of another net.
 */
export function openFeatures(
  dataFolder: string,
  store: FeatureStore,
  net: FeatureNet,
  classScoreBytes: number,
  tables: SharedTables = NO_TABLES,
): ResidentFeatures {
  const netId = store.netIdOf(net);
  const bits = store.binarizer(netId)?.bits ?? (typeof net.rule === 'object' ? net.rule.bits : net.fc6Length);
  const file = dataFolder === ':memory:' ? null : featureArtifacts(dataFolder, net).open();
  const features = new ResidentFeatures(net, bits, file, classScoreBytes, tables);
  features.refresh(store, netId);
  return features;
}

function checked(file: ArtifactFile, net: FeatureNet, bits: number): FeatureArtifactMetadata {
  const metadata = file.about<FeatureArtifactMetadata>();
  if (metadata.netKey !== netKeyOf(net) || metadata.bits !== bits || metadata.fc8Length !== net.fc8Length) {
    const reason = `it holds features of net ${metadata.netKey} (${metadata.bits} bits), wanted is ${netKeyOf(net)} (${bits} bits)`;
    throw new ServiceError('ARTIFACT_REFUSED', { file: file.path, reason });
  }
  return metadata;
}
