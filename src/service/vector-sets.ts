/**
 * The vectors of a running service: opened, taken over when a name is imported again, dropped when it is gone. Imported sets serve
 * always; of the sets that nets made themselves only that of the serving net does.
 */
import { VectorNeighbors } from '../candidates/vectors/vector-neighbors.ts';
import { netVectorPlace, vectorFolder, vectorNames, VectorSet } from '../candidates/vectors/vector-set.ts';
import { reasonOf, ServiceError } from '../errors.ts';
import type { Degradation } from '../lists/serving-parts.ts';

/** A version that was refused: it is not tried again. */
interface Refused extends Degradation {
  readonly version: string | null;
}

export class VectorSets {
  private readonly artifacts: string;
  /** By the name of their folder, in alphabetical order. */
  private open: ReadonlyMap<string, VectorNeighbors> = new Map();
  private refused: ReadonlyMap<string, Refused> = new Map();
  /** The digest of the serving net. */
  private net: string | null = null;

  /** `artifacts`: the folder of that name in the data folder. */
  constructor(artifacts: string) {
    this.artifacts = artifacts;
  }

  get sources(): readonly VectorNeighbors[] {
    return this.sourcesOf(this.net);
  }

  get sets(): readonly VectorSet[] {
    return this.sources.map(({ set }) => set);
  }

  /** What would serve beside a net: the imported sets and its own. */
  sourcesOf(net: string | null): readonly VectorNeighbors[] {
    return [...this.open.values()].filter(({ set: { metadata } }) => metadata.net === undefined || metadata.net.digest === net);
  }

  /** The set of a net's own vectors; null where it gives none, or none were extracted. */
  ofNet(net: string): VectorSet | null {
    return this.sourcesOf(net).find(({ set }) => set.metadata.net !== undefined)?.set ?? null;
  }

  /** Names the versions being served. */
  get version(): string {
    return this.sets.map(({ name, version }) => `${name}.${version}`).join('+');
  }

  /** Sets that were refused at the last look, an earlier version or none serving instead, and those whose graph cannot be used. */
  get degraded(): readonly Degradation[] {
    const slow = this.sets.flatMap(({ graphProblem }) => graphProblem ?? []);
    return [...this.refused.values(), ...slow.map((reason) => ({ code: 'INDEX_UNAVAILABLE', reason }))];
  }

  /** The net whose own vectors serve from now on. */
  serve(net: string | null): void {
    this.net = net;
  }

  /** Opens what is new. The former version of a name answers until the next one is there. `nets`: whose own vectors are wanted. */
  async refresh(nets: readonly string[]): Promise<void> {
    const refused = new Map<string, Refused>();
    const next = new Map<string, VectorNeighbors>();
    const { imported, ofNets } = vectorNames(this.artifacts);
    const wanted = new Set(nets.map(netVectorPlace));
    for (const place of [...imported, ...ofNets.filter((one) => wanted.has(one))].sort()) {
      const source = await this.taken(place, this.open.get(place), refused);
      if (source) next.set(place, source);
    }
    this.open = next;
    this.refused = refused;
  }

  private async taken(place: string, present: VectorNeighbors | undefined, refused: Map<string, Refused>) {
    const folder = vectorFolder(this.artifacts, place);
    let version: string | null = null;
    try {
      version = folder.current();
      const known = this.refused.get(place);
      if (known && known.version === version) refused.set(place, known);
      if (version === present?.set.version || (known && known.version === version)) return present;
      const set = await VectorSet.open(folder);
      return set === null ? undefined : new VectorNeighbors(set);
    } catch (error) {
      const code = error instanceof ServiceError ? error.code : 'ARTIFACT_REFUSED';
      refused.set(place, { code, reason: `vectors ${place}: ${reasonOf(error)}`, version });
      return present;
    }
  }
}
