import type { CatalogStore } from '../../catalog/pins/catalog-store.ts';
import type { CooccurrenceOptions } from './board-cooccurrence.ts';
import { type CandidateQuery, type CandidateSource, NO_PINS, type ScoredPins } from '../candidate.ts';
import type { MethodChoice } from './choose-method.ts';
import { FreshCooccurrence } from './fresh-cooccurrence.ts';
import { NeighborListFile, neighborListFolder } from '../neighbor-list-file.ts';

export const COOCCURRENCE_KIND = 'cooccurrence';

/** What the artifact of co-occurrence lists says about itself. */
export interface CooccurrenceMetadata {
  readonly options: CooccurrenceOptions;
  /** The catalogue's change sequence when counting began: later saves are not in it. */
  readonly sequence: number;
  readonly pins: number;
  readonly boards: number;
  readonly pairs: number;
  readonly builtAt: string;
  /** How the options were chosen; absent where somebody gave them or took the usual ones. */
  readonly choice?: MethodChoice;
}

/** What the last count of co-occurrence in a data folder's `artifacts` says of itself; null before the first. */
export function lastCounted(artifacts: string): CooccurrenceMetadata | null {
  const file = NeighborListFile.open(neighborListFolder(artifacts, COOCCURRENCE_KIND));
  file?.close();
  return file?.about<CooccurrenceMetadata>() ?? null;
}

/** New saves that are read together. */
const CATCH_UP_PAGE = 500;
/** The same where requests wait: each save may be of another pin and board, and both are read. */
const SMALL_PAGE = 32;

/**
 * Board co-occurrence as a candidate source: the lists of the last build, read on demand, and over them the rows that
 * saves since then have changed. `catchUp` takes in new saves, `reload` a new build.
 */
export class BoardCooccurrence implements CandidateSource {
  readonly name = 'board-cooccurrence';
  private readonly artifacts: string;
  private readonly store: CatalogStore;
  private file: NeighborListFile | null = null;
  private fresh: FreshCooccurrence | null = null;
  private readonly workMax: number;
  private seenSequence = 0;
  /** Saves taken away up to this change are out of the rows. */
  private removedThrough = 0;

  /**
   * `artifacts` is the folder of the data folder; `workMax` as of `FreshCooccurrence`.
   * Throws ARTIFACT_REFUSED when the current lists are damaged.
   */
  constructor(artifacts: string, store: CatalogStore, workMax = Number.POSITIVE_INFINITY) {
    this.workMax = workMax;
    this.artifacts = artifacts;
    this.store = store;
    this.reload();
  }

  /** The version being served, null before the first build. */
  get version(): string | null {
    return this.file?.version ?? null;
  }

  get metadata(): CooccurrenceMetadata | null {
    return this.file?.about<CooccurrenceMetadata>() ?? null;
  }

  /** Rows served from new saves rather than from the build. */
  get touchedRows(): number {
    return this.fresh?.touchedRows ?? 0;
  }

  /**
   * Opens the current version if it is another than the one served. Returns whether it changed.
   * Throws ARTIFACT_REFUSED when it is damaged; the previous one keeps serving.
   */
  reload(budgetMs = Number.POSITIVE_INFINITY): boolean {
    const folder = neighborListFolder(this.artifacts, COOCCURRENCE_KIND);
    if (folder.current() === this.version) return false;
    const next = NeighborListFile.open(folder);
    if (next === null) return false;
    this.file?.close();
    this.file = next;
    const { options, sequence } = next.about<CooccurrenceMetadata>();
    this.fresh = new FreshCooccurrence(this.store.saves, options, next.besides('norms') as Float64Array, this.workMax);
    this.seenSequence = this.removedThrough = sequence;
    this.catchUp(budgetMs);
    return true;
  }

  /**
   * Takes in the saves that came or went since the last call, for about `budgetMs`: what an import brought at once is left to the
   * next calls, so that nobody waits for it. Returns the rows that changed so far.
   */
  catchUp(budgetMs = Number.POSITIVE_INFINITY): number {
    const now = this.store.sequence.current();
    const until = performance.now() + budgetMs;
    const most = budgetMs === Number.POSITIVE_INFINITY ? CATCH_UP_PAGE : SMALL_PAGE;
    this.takeOutSaves();
    while (this.fresh !== null && this.seenSequence < now) {
      const page = [...this.store.saves.membershipsSince(this.seenSequence, most)];
      this.fresh.note(page);
      this.seenSequence = page.length < most ? now : page[page.length - 1].sequence;
      if (performance.now() >= until) break;
    }
    return this.touchedRows;
  }

  /** Takes saves out of the rows that were taken away since the last call: rows that held them are counted again. */
  takeOutSaves(): void {
    const gone = this.fresh === null ? [] : this.store.removals.membershipsRemovedSince(this.removedThrough);
    if (gone.length === 0) return;
    this.removedThrough = this.store.sequence.current();
    this.fresh?.note(gone);
  }

  /** True while saves that came since are not taken in yet. */
  get isBehind(): boolean {
    return this.fresh !== null && this.seenSequence < this.store.sequence.current();
  }

  get behind(): string | null {
    const rows = this.fresh?.postponedRows ?? 0;
    return rows === 0 ? null : 'Many saves are new: some lists are being counted again, and those of the last build answer meanwhile.';
  }

  /** Counts rows that were too long to count while a request waited. Returns how many are left. */
  recountSome(budgetMs: number): number {
    return this.fresh?.recountSome(budgetMs) ?? 0;
  }

  propose(query: CandidateQuery, limit: number): ScoredPins {
    if (query.pinIndex < 0 || this.file === null) return NO_PINS;
    const row = this.fresh?.read(query.pinIndex);
    if (!row) return this.file.read(query.pinIndex, limit);
    return { pinIndexes: row.pinIndexes.subarray(0, limit), scores: row.scores.subarray(0, limit) };
  }

  /** Pins in the list of a pin (0: no board holds it with another). */
  lengthOf(pinIndex: number): number {
    return this.fresh?.read(pinIndex)?.pinIndexes.length ?? this.file?.lengthOf(pinIndex) ?? 0;
  }

  close(): void {
    this.file?.close();
    this.file = null;
    this.fresh = null;
  }
}
