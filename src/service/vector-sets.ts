/** The imported vectors of a running service: opened, taken over when a name is imported again, dropped when it is gone. */
import { VectorNeighbors } from '../candidates/vectors/vector-neighbors.ts';
import { vectorFolder, vectorNames, VectorSet } from '../candidates/vectors/vector-set.ts';
import { reasonOf, ServiceError } from '../errors.ts';
import type { Degradation } from '../lists/serving-parts.ts';

/** A version that was refused: it is not tried again. */
interface Refused extends Degradation {
  readonly version: string | null;
}

export class VectorSets {
  private readonly artifacts: string;
  /** By name, in alphabetical order. */
  private open: readonly VectorNeighbors[] = [];
  private refused: ReadonlyMap<string, Refused> = new Map();

  /** `artifacts`: the folder of that name in the data folder. */
  constructor(artifacts: string) {
    this.artifacts = artifacts;
  }

  get sources(): readonly VectorNeighbors[] {
    return this.open;
  }

  get sets(): readonly VectorSet[] {
    return this.open.map(({ set }) => set);
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

  /** Opens what is new. The former version of a name answers until the next one is there. */
  async refresh(): Promise<void> {
    const refused = new Map<string, Refused>();
    const next: VectorNeighbors[] = [];
    for (const name of vectorNames(this.artifacts)) {
      const present = this.open.find(({ set }) => set.name === name);
      const source = await this.taken(name, present, refused);
      if (source) next.push(source);
    }
    this.open = next;
    this.refused = refused;
  }

  private async taken(name: string, present: VectorNeighbors | undefined, refused: Map<string, Refused>) {
    const folder = vectorFolder(this.artifacts, name);
    let version: string | null = null;
    try {
      version = folder.current();
      const known = this.refused.get(name);
      if (known && known.version === version) refused.set(name, known);
      if (version === present?.set.version || (known && known.version === version)) return present;
      const set = await VectorSet.open(folder);
      return set === null ? undefined : new VectorNeighbors(set);
    } catch (error) {
      const code = error instanceof ServiceError ? error.code : 'ARTIFACT_REFUSED';
      refused.set(name, { code, reason: `vectors ${name}: ${reasonOf(error)}`, version });
      return present;
    }
  }
}
