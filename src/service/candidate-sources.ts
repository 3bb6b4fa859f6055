/** The candidate sources of a running service: opened, kept up with the catalogue and with new builds, closed. */
import { AnnotationNeighbors } from '../candidates/words/annotation-neighbors.ts';
import type { CandidateSource } from '../candidates/candidate.ts';
import { BoardCooccurrence } from '../candidates/cooccurrence/cooccurrence-store.ts';
import { PopularInCategory } from '../candidates/popular-in-category.ts';
import { type PairMemory, RememberedWinners } from '../candidates/remembered-winners.ts';
import { VisualNeighbors } from '../candidates/visual/visual-neighbors.ts';
import type { CatalogStore } from '../catalog/pins/catalog-store.ts';
import type { PinColumns } from '../catalog/pins/pin-columns.ts';
import { reasonOf, ServiceError } from '../errors.ts';
import type { VisualFeatures } from '../features/visual-features.ts';
import type { Degradation } from '../lists/serving-parts.ts';
import { VectorSets } from './vector-sets.ts';

/** Popularity moves slowly. */
const REBUILD_POPULAR_MS = 60_000;
/** Time of one look that goes into lists that are counted again. */
const RECOUNT_MS = 2;

export class CandidateSources {
  private readonly artifacts: string;
  private readonly catalog: CatalogStore;
  private readonly annotations: AnnotationNeighbors;
  private readonly popular: PopularInCategory;
  private readonly winners: RememberedWinners;
  /** Vectors, imported or of nets; refresh them before the sources. */
  readonly vectors: VectorSets;
  private boards: BoardCooccurrence | null = null;
  private looks: VisualNeighbors | null = null;
  private looksNet: string | null = null;
  private readonly workMax: number;
  private popularAt = 0;
  private refused: Degradation[] = [];
  private open: readonly CandidateSource[] = [];

  /**
   * `artifacts` is the folder of that name in the data folder; `memory` what people chose before. `workMax`: pins visited
   * between two looks for lists that saves have changed; a process that answers bounds it, a job waits for all.
   */
  constructor(artifacts: string, catalog: CatalogStore, pins: PinColumns, memory: PairMemory, workMax = Number.POSITIVE_INFINITY) {
    this.workMax = workMax;
    this.artifacts = artifacts;
    this.catalog = catalog;
    this.annotations = new AnnotationNeighbors(pins);
    this.popular = new PopularInCategory(pins);
    this.winners = new RememberedWinners(memory);
    this.vectors = new VectorSets(artifacts);
  }

  /** In the order in which the merge prefers them. */
  get all(): readonly CandidateSource[] {
    return this.open;
  }

  /** Names the builds being served. */
  get version(): string {
    return `${this.boards?.version ?? '-'}:${this.looks?.version ?? '-'}:${this.vectors.version}`;
  }

  /** True while new saves wait to be taken in, or rows and words to be counted again. */
  get isBehind(): boolean {
    return this.annotations.behind !== null || (this.boards !== null && (this.boards.isBehind || this.boards.behind !== null));
  }

  /** Artifacts that were refused at the last look. */
  get degraded(): readonly Degradation[] {
    return [...this.refused, ...this.vectors.degraded];
  }

  /** The visual neighbours, for searches by code; null without visual features. */
  get visual(): VisualNeighbors | null {
    return this.looks;
  }

  /** Reads new builds, changed pins and saves. A damaged build is refused by name, the previous one keeps serving. */
  refresh(changedPins: readonly number[], visual: VisualFeatures | null, now: number, budgetMs = Number.POSITIVE_INFINITY): void {
    this.refused = [];
    this.vectors.serve(visual?.netDigest ?? null);
    this.attempt(() => {
      if (this.boards) {
        this.boards.reload(budgetMs);
        this.boards.catchUp(budgetMs);
        this.boards.recountSome(RECOUNT_MS);
      } else this.boards = new BoardCooccurrence(this.artifacts, this.catalog, this.workMax);
    });
    this.attempt(() => this.refreshLooks(visual));
    if (changedPins.length > 0) this.annotations.refresh(changedPins);
    this.annotations.catchUp(budgetMs);
    if (changedPins.length > 0 && now - this.popularAt > REBUILD_POPULAR_MS) {
      this.popular.rebuild();
      this.popularAt = now;
    }
    const sources: (CandidateSource | null)[] = [
      this.boards,
      this.looks,
      ...this.vectors.sources,
      this.annotations,
      this.popular,
      this.winners,
    ];
    this.open = sources.filter((source) => source !== null);
  }

  /** Saves that were taken away count no more, from now on. */
  takeOutSaves(): void {
    this.boards?.takeOutSaves();
  }

  private refreshLooks(visual: VisualFeatures | null): void {
    if (!visual || visual.netDigest !== this.looksNet) {
      this.looks?.close();
      this.looks = null;
      this.looksNet = null;
    }
    if (!visual) return;
    if (this.looks) {
      this.looks.useTable(visual.image);
      this.looks.reload();
    } else {
      this.looks = new VisualNeighbors(this.artifacts, visual.image, visual.netDigest);
      this.looksNet = visual.netDigest;
    }
  }

  private attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      const code = error instanceof ServiceError ? error.code : 'INDEX_UNAVAILABLE';
      this.refused.push({ code, reason: reasonOf(error) });
    }
  }

  close(): void {
    this.boards?.close();
    this.looks?.close();
  }
}
