/**
 * A folder of models: `NAME.json` each, and which of them serves (`SERVING`), is tried on a share of traffic (`CANARY`), or
 * scores in the dark (`DARK`). Models are never overwritten; pointers are swapped by rename; every change of a pointer adds a
 * line to `AUDIT.jsonl`: who, why, when.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { reasonOf, ServiceError } from '../../errors.ts';
import type { Surface } from '../../catalog/log/served-list.ts';
import { AS_RETRIEVED } from '../measures/baselines.ts';
import { decodeModel, encodeModel, type ModelArtifact } from './model-artifact.ts';
import { STARTER, starterModel } from './starter-model.ts';
import { replaceFile, stampOf, syncFolder } from '../../swapped-file.ts';

/** A model that plays its part for a share, 0..1: a canary of the units, one in the dark of the lists. */
export interface Trial {
  readonly model: string;
  readonly share: number;
}

/** Surfaces that have a serving model of their own beside that of closeups. */
export const OTHER_SURFACES = ['home-feed', 'rank'] as const;
type OtherSurface = (typeof OTHER_SURFACES)[number];

/** Which model plays which part. */
export interface ModelRoles {
  /** Of closeups, and of surfaces without one of their own if it was made for every surface. */
  readonly serving: string;
  /** Null: none was promoted there. */
  readonly servingOn: Readonly<Record<OtherSurface, string | null>>;
  readonly canary: Trial | null;
  readonly dark: Trial | null;
}

/** The files that name a model. */
export type RolePointer = 'SERVING' | `SERVING-${OtherSurface}` | 'CANARY' | 'DARK';

export interface AuditEntry {
  readonly at: string;
  readonly action: 'promote' | 'roll-back' | 'canary' | 'dark';
  readonly model: string | null;
  readonly previous: string | null;
  readonly who: string;
  readonly why: string;
  readonly forced: boolean;
  readonly share?: number;
  /** Absent: closeups, and surfaces without a model of their own. */
  readonly surface?: OtherSurface;
  /** What the judge said of it when it was promoted. */
  readonly judged?: string;
}

export interface ModelSummary {
  readonly name: string;
  readonly createdAt: string | null;
  readonly kind: string | null;
  readonly source: string | null;
  readonly features: number;
  readonly ndcg10: number | null;
  readonly serving: boolean;
  readonly digest: string | null;
  /** Why it cannot be used; absent when it can. */
  readonly problem?: string;
}

/** Names that stand for what ships with the program: every registry has them, none stores them. */
export const SHIPPED_MODELS: readonly string[] = [AS_RETRIEVED, STARTER];

const isShipped = (name: string): boolean => SHIPPED_MODELS.includes(name);

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

export class ModelRegistry {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Names of the stored models, oldest first. */
  names(): readonly string[] {
    if (!existsSync(this.folder)) return [];
    const files = readdirSync(this.folder).filter((file) => file.endsWith('.json') && !file.startsWith('.'));
    const named = files.map((file) => file.slice(0, -5));
    const bornAt = new Map(named.map((name) => [name, this.bornAt(name)]));
    return named.sort((a, b) => (bornAt.get(a) ?? 0) - (bornAt.get(b) ?? 0) || naturalOrder(a, b));
  }

  /** When its file was written; milliseconds. */
  private bornAt(name: string): number {
    return statSync(this.pathOf(name)).mtimeMs;
  }

  has(name: string): boolean {
    return isShipped(name) || (NAME.test(name) && existsSync(this.pathOf(name)));
  }

  pathOf(name: string): string {
    return join(this.folder, `${name}.json`);
  }

  /** Where the graph of an imported net lies, beside its record. */
  onnxPathOf(name: string): string {
    return join(this.folder, `${name}.onnx`);
  }

  /** Reads a model. Throws RANKER_MODEL_UNKNOWN naming those there are, or RANKER_MODEL_REFUSED. */
  read(name: string): ModelArtifact & { readonly digest: string } {
    if (name === STARTER) return starterModel();
    if (!NAME.test(name) || !existsSync(this.pathOf(name))) {
      throw new ServiceError('RANKER_MODEL_UNKNOWN', {
        model: name,
        known: [...SHIPPED_MODELS, ...this.names()].join(', '),
      });
    }
    const model = decodeModel(readFileSync(this.pathOf(name)), name);
    if (model.name !== name) throw new ServiceError('RANKER_MODEL_REFUSED', { model: name, reason: `the file says it is ${model.name}` });
    return model;
  }

  /** Adds a model under its name, durable when this returns; refuses a name already taken. Serving does not change. */
  add(model: ModelArtifact): void {
    if (!NAME.test(model.name) || isShipped(model.name))
      throw new ServiceError('RANKER_MODEL_REFUSED', {
        model: model.name,
        reason: `a name has 1 to 100 letters, digits, dots, dashes and underscores, beginning with a letter or digit, and is none of ${SHIPPED_MODELS.join(', ')}`,
      });
    mkdirSync(this.folder, { recursive: true });
    const draft = join(this.folder, `.${model.name}.${process.pid}`);
    replaceFile(draft, encodeModel(model));
    try {
      linkSync(draft, this.pathOf(model.name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      throw new ServiceError('RANKER_MODEL_EXISTS', { model: model.name });
    } finally {
      rmSync(draft);
    }
    syncFolder(this.folder);
  }

  /** Adds an imported net: its graph first, so that no record is ever without one. */
  addOnnx(model: ModelArtifact, graph: Buffer): void {
    if (this.has(model.name)) throw new ServiceError('RANKER_MODEL_EXISTS', { model: model.name });
    if (!NAME.test(model.name)) this.add(model);
    mkdirSync(this.folder, { recursive: true });
    replaceFile(this.onnxPathOf(model.name), graph);
    this.add(model);
  }

  /** A name that is free: `PREFIX-1`, `PREFIX-2`, ... */
  freeName(prefix: string): string {
    let number = this.names().length + 1;
    while (this.has(`${prefix}-${number}`)) number++;
    return `${prefix}-${number}`;
  }

  /** The newest stored model, or null. */
  newest(): string | null {
    return this.names().at(-1) ?? null;
  }

  list(): readonly ModelSummary[] {
    const { serving } = this.roles();
    return this.names().map((name) => {
      try {
        const { createdAt, kind, lineage, features, ndcg10, digest } = this.read(name);
        return {
          name,
          createdAt,
          kind,
          source: lineage.source,
          features: features.length,
          ndcg10: ndcg10.trained?.mean ?? null,
          serving: name === serving,
          digest,
        };
      } catch (error) {
        const problem = reasonOf(error);
        return {
          name,
          createdAt: null,
          kind: null,
          source: null,
          features: 0,
          ndcg10: null,
          serving: name === serving,
          digest: null,
          problem,
        };
      }
    });
  }

  /** Before the first promotion the starter serves. */
  roles(): ModelRoles {
    return {
      serving: this.pointer('SERVING') ?? STARTER,
      servingOn: { 'home-feed': this.pointer('SERVING-home-feed'), rank: this.pointer('SERVING-rank') },
      canary: trialOf(this.pointer('CANARY')),
      dark: trialOf(this.pointer('DARK')),
    };
  }

  /** The model that orders the lists of a surface: its own, that of closeups if it was made for every surface, or the starter. */
  servingOn(surface: Surface): string {
    const { serving, servingOn } = this.roles();
    const own = surface === 'home-feed' || surface === 'rank' ? servingOn[surface] : null;
    if (own !== null) return own;
    return serving === AS_RETRIEVED || (this.read(serving).surface ?? surface) === surface ? serving : STARTER;
  }

  /** Changes whenever a pointer does: cheap enough to ask several times a second. */
  rolesStamp(): string {
    return ['SERVING', ...OTHER_SURFACES.map((surface) => `SERVING-${surface}`), 'CANARY', 'DARK']
      .map((name) => stampOf(join(this.folder, name)))
      .join(' ');
  }

  /** Sets or (null) clears a pointer and writes the audit line first, so that no change is without one. */
  point(role: RolePointer, value: string | null, entry: AuditEntry): void {
    mkdirSync(this.folder, { recursive: true });
    this.audit(entry);
    const path = join(this.folder, role);
    if (value === null) rmSync(path, { force: true });
    else replaceFile(path, `${value}\n`);
    syncFolder(this.folder);
  }

  history(): readonly AuditEntry[] {
    const path = join(this.folder, 'AUDIT.jsonl');
    if (!existsSync(path)) return [];
    const lines = readFileSync(path, 'utf8').split('\n');
    return lines.flatMap((line) => {
      try {
        return [JSON.parse(line) as AuditEntry];
      } catch {
        return []; // the last line of a process that was killed while writing it, or the empty one at the end
      }
    });
  }

  private audit(entry: AuditEntry): void {
    const file = openSync(join(this.folder, 'AUDIT.jsonl'), 'a');
    // A killed writer may have left half a line: the break before keeps it from swallowing this one.
    writeSync(file, `\n${JSON.stringify(entry)}\n`);
    fsyncSync(file);
    closeSync(file);
  }

  private pointer(role: string): string | null {
    const path = join(this.folder, role);
    return existsSync(path) ? readFileSync(path, 'utf8').trim() : null;
  }
}

function trialOf(text: string | null): Trial | null {
  const [model, share] = (text ?? '').split(' ');
  return Number(share) > 0 ? { model, share: Number(share) } : null;
}

function naturalOrder(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}
