/** Definitions, their life cycle, versions, and who changed what. */
import { counted } from '../counted.ts';
import type { Database } from '../catalog/database.ts';
import { migrate } from '../catalog/database.ts';
import { type NameUser, userNaming } from '../catalog/pins/user-pseudonym.ts';
import { ServiceError } from '../errors.ts';
import type { ExperimentDefinition } from './experiment.ts';
import { PLANNED_DAYS, refuse } from './experiment.ts';

export type ExperimentState = 'draft' | 'running' | 'stopped' | 'archived';

export interface Experiment {
  readonly key: string;
  readonly state: ExperimentState;
  /** Counts every accepted change of the definition, from 1. */
  readonly version: number;
  readonly definition: ExperimentDefinition;
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly stoppedAt: number | null;
}

export interface AuditEntry {
  readonly at: number;
  readonly by: string;
  readonly action: string;
  readonly version: number;
  readonly detail: string;
}

/** Who did it and when (epoch milliseconds). */
export interface Author {
  readonly by: string;
  readonly at: number;
}

const SCHEMA = `
CREATE TABLE experiment (
  key TEXT PRIMARY KEY, state TEXT NOT NULL, version INTEGER NOT NULL, definition TEXT NOT NULL,
  created_at INTEGER NOT NULL, started_at INTEGER, stopped_at INTEGER) STRICT;
CREATE TABLE experiment_version (
  key TEXT NOT NULL, version INTEGER NOT NULL, definition TEXT NOT NULL, at INTEGER NOT NULL, by TEXT NOT NULL,
  PRIMARY KEY (key, version)) STRICT;
CREATE TABLE experiment_audit (
  id INTEGER PRIMARY KEY, key TEXT NOT NULL, at INTEGER NOT NULL, by TEXT NOT NULL, action TEXT NOT NULL,
  version INTEGER NOT NULL, detail TEXT NOT NULL) STRICT;
CREATE INDEX experiment_audit_by_key ON experiment_audit (key, id);
`;

interface Row {
  key: string;
  state: ExperimentState;
  version: number;
  definition: string;
  created_at: number;
  started_at: number | null;
  stopped_at: number | null;
}

/** Fields that may change while an experiment runs: none of them moves a unit or changes what is counted. */
const OPEN_WHILE_RUNNING = ['description', 'hypothesis', 'owner', 'tags', 'traffic', 'minimumLift', 'forced'];

/** Every accepted change of a definition is a version, and everything that is done to an experiment a line of its audit. */
export class ExperimentStore {
  /** The names under which units are stored that were put into an arm by hand. */
  readonly nameUser: NameUser;
  private readonly database: Database;

  constructor(database: Database, nameUser: NameUser = userNaming('')) {
    this.nameUser = nameUser;
    this.database = database;
    migrate(database, 'experiments', [SCHEMA]);
  }

  /**
   * Adds a draft, or a new version of one; a running one may only widen traffic or change what nobody is counted by.
   * Throws EXPERIMENT_INVALID naming the field that may not change or overlaps, EXPERIMENT_STATE for one that has ended.
   */
  define(given: ExperimentDefinition, author: Author): Experiment {
    const definition = { ...given, forced: this.named(given.forced) };
    return this.transaction(() => {
      const before = this.find(definition.key);
      if (before) this.checkChange(before, definition);
      this.checkLayer(definition);
      const version = (before?.version ?? 0) + 1;
      const text = JSON.stringify(definition);
      this.database
        .prepare(
          `INSERT INTO experiment VALUES (@key, 'draft', @version, @text, @at, NULL, NULL)
           ON CONFLICT (key) DO UPDATE SET version = @version, definition = @text`,
        )
        .run({ key: definition.key, version, text, at: author.at });
      this.database
        .prepare('INSERT INTO experiment_version VALUES (?, ?, ?, ?, ?)')
        .run(definition.key, version, text, author.at, author.by);
      this.note(definition.key, version, before ? 'changed' : 'defined', changedFields(before, definition), author);
      return this.get(definition.key);
    });
  }

  /** draft -> running. Throws EXPERIMENT_INVALID when a running experiment has its layer's slots, EXPERIMENT_STATE unless a draft. */
  start(key: string, author: Author): Experiment {
    return this.move(key, 'draft', 'running', 'started', author, 'only a draft can be started');
  }

  /** Widens the share of units that take part: a new version with another traffic. */
  ramp(key: string, traffic: number, author: Author): Experiment {
    if (!(traffic >= 0 && traffic <= 1)) refuse('traffic', 'must be a number within 0..1');
    return this.define({ ...this.get(key).definition, traffic }, author);
  }

  /** running -> stopped. Throws EXPERIMENT_STATE unless it runs. */
  stop(key: string, author: Author): Experiment {
    return this.move(key, 'running', 'stopped', 'stopped', author, 'only a running experiment can be stopped');
  }

  /** draft or stopped -> archived. Throws EXPERIMENT_STATE while it runs, or when it is archived already. */
  archive(key: string, author: Author): Experiment {
    const from = this.get(key).state === 'draft' ? 'draft' : 'stopped';
    return this.move(key, from, 'archived', 'archived', author, 'stop it before you archive it');
  }

  /** Writes a line that changes no state: a verdict that was reached, what was decided on it. */
  remark(key: string, action: 'verdict' | 'concluded', detail: string, author: Author): void {
    this.note(key, this.get(key).version, action, detail, author);
  }

  /** The last line of one kind; null without one. */
  lastRemark(key: string, action: 'verdict' | 'concluded'): AuditEntry | null {
    return this.audit(key).findLast((entry) => entry.action === action) ?? null;
  }

  private move(key: string, from: ExperimentState, to: ExperimentState, action: string, author: Author, reason: string): Experiment {
    return this.transaction(() => {
      const experiment = this.get(key);
      if (experiment.state !== from) throw new ServiceError('EXPERIMENT_STATE', { key, state: experiment.state, reason, field: 'state' });
      if (to === 'running') this.checkLayer(experiment.definition);
      const column = to === 'running' ? ', started_at = @at' : to === 'stopped' ? ', stopped_at = @at' : '';
      this.database
        .prepare(`UPDATE experiment SET state = @to${column} WHERE key = @key`)
        .run(column === '' ? { key, to } : { key, to, at: author.at });
      this.note(key, experiment.version, action, '', author);
      return this.get(key);
    });
  }

  /** Null when no experiment has this key. */
  find(key: string): Experiment | null {
    const row = this.database.prepare('SELECT * FROM experiment WHERE key = ?').get(key) as Row | undefined;
    return row ? experimentOf(row) : null;
  }

  /** Throws EXPERIMENT_UNKNOWN with the keys there are. */
  get(key: string): Experiment {
    const found = this.find(key);
    if (found) return found;
    const known = this.list().map((each) => each.key);
    throw new ServiceError('EXPERIMENT_UNKNOWN', { key, known: known.join(', ') || 'none' });
  }

  /** All experiments, newest first. */
  list(): readonly Experiment[] {
    const rows = this.database.prepare('SELECT * FROM experiment ORDER BY created_at DESC, key').all() as Row[];
    return rows.map(experimentOf);
  }

  /** Newest first. */
  running(): readonly Experiment[] {
    return this.list().filter((each) => each.state === 'running');
  }

  /** What was done to it, oldest first. */
  audit(key: string): readonly AuditEntry[] {
    const rows = this.database.prepare('SELECT at, by, action, version, detail FROM experiment_audit WHERE key = +? ORDER BY id').all(key);
    return rows as AuditEntry[];
  }

  /** The definition as it was in a version (from 1); null when there is no such version. */
  definitionAt(key: string, version: number): ExperimentDefinition | null {
    const row = this.database.prepare('SELECT definition FROM experiment_version WHERE key = ? AND version = ?').get(key, version) as
      { definition: string } | undefined;
    return row ? (JSON.parse(row.definition) as ExperimentDefinition) : null;
  }

  /** Grows with every change by any process: code that keeps compiled plans compares it. */
  changeCount(): number {
    const row = this.database.prepare('SELECT coalesce(max(id), 0) AS last FROM experiment_audit').get();
    return (row as { last: number }).last;
  }

  /**
   * Takes units out of every definition, version and audit line: those put into an arm by hand, by the names they may be
   * stored under. Running servers notice. Returns in how many experiments one of them was.
   */
  forgetForced(names: readonly string[], author: Author): number {
    return this.transaction(() => {
      const without = (text: string): string => {
        const definition = JSON.parse(text) as ExperimentDefinition;
        const forced = Object.entries(definition.forced ?? {}).filter(([unit]) => !names.includes(unit));
        return JSON.stringify({ ...definition, forced: Object.fromEntries(forced) });
      };
      const keys = new Set<string>();
      for (const table of ['experiment', 'experiment_version'] as const) {
        const rows = this.database.prepare(`SELECT key, version, definition FROM ${table}`).all() as Row[];
        for (const { key, version, definition } of rows.filter((row) => without(row.definition) !== row.definition)) {
          this.database.prepare(`UPDATE ${table} SET definition = ? WHERE key = ? AND version = ?`).run(without(definition), key, version);
          keys.add(key);
        }
      }
      // Lines of earlier programs hold the units themselves.
      const told = this.database.prepare("SELECT id, detail FROM experiment_audit WHERE detail LIKE '%forced: {%'").all();
      for (const { id, detail } of told as { id: number; detail: string }[])
        if (names.some((name) => detail.includes(JSON.stringify(name))))
          this.database.prepare('UPDATE experiment_audit SET detail = ? WHERE id = ?').run('forced: changed', id);
      for (const key of keys) this.note(key, this.get(key).version, 'changed', 'forced: a person was erased', author);
      return keys.size;
    });
  }

  /** Renames units that were put into an arm by hand, by the SQL function `name_user` of the connection. Returns in how many experiments. */
  renameForced(): number {
    const rename = this.database.prepare('SELECT name_user(?)').pluck();
    let renamed = 0;
    for (const table of ['experiment', 'experiment_version'] as const) {
      for (const { key, version, definition } of this.database.prepare(`SELECT key, version, definition FROM ${table}`).all() as Row[]) {
        const { forced = {}, ...rest } = JSON.parse(definition) as ExperimentDefinition;
        const named = Object.fromEntries(Object.entries(forced).map(([unit, arm]) => [rename.get(unit) as string, arm]));
        if (JSON.stringify(named) === JSON.stringify(forced)) continue;
        const text = JSON.stringify({ ...rest, forced: named });
        this.database.prepare(`UPDATE ${table} SET definition = ? WHERE key = ? AND version = ?`).run(text, key, version);
        if (table === 'experiment') renamed++;
      }
    }
    // Lines of earlier programs hold the units themselves.
    this.database.prepare("UPDATE experiment_audit SET detail = 'forced: changed' WHERE detail LIKE '%forced: {%'").run();
    return renamed;
  }

  private named(forced: ExperimentDefinition['forced']): ExperimentDefinition['forced'] {
    return Object.fromEntries(Object.entries(forced).map(([unit, arm]) => [this.nameUser(unit), arm]));
  }

  private checkChange(before: Experiment, after: ExperimentDefinition): void {
    const { key, state } = before;
    if (state === 'stopped' || state === 'archived')
      throw new ServiceError('EXPERIMENT_STATE', { key, state, reason: 'define it again under another key' });
    if (state === 'draft') return;
    for (const field of fieldsThatDiffer(before.definition, after))
      if (!OPEN_WHILE_RUNNING.includes(field)) refuse(field, `${key} is running; only ${OPEN_WHILE_RUNNING.join(', ')} may change`);
    if (after.traffic < before.definition.traffic)
      refuse('traffic', `${key} is running at ${before.definition.traffic}; traffic may only grow`);
  }

  private checkLayer(definition: ExperimentDefinition): void {
    const { name, slots } = definition.layer;
    for (const other of this.running()) {
      const theirs = other.definition.layer;
      if (other.key === definition.key || theirs.name !== name) continue;
      if (slots[0] < theirs.slots[1] && theirs.slots[0] < slots[1])
        refuse('layer', `slots ${slots.join('..')} of layer ${name} overlap ${theirs.slots.join('..')} of ${other.key}, which is running`);
    }
  }

  private note(key: string, version: number, action: string, detail: string, author: Author): void {
    this.database
      .prepare('INSERT INTO experiment_audit (key, at, by, action, version, detail) VALUES (?, ?, ?, ?, ?, ?)')
      .run(key, author.at, author.by, action, version, detail);
  }

  private transaction<T>(work: () => T): T {
    return this.database.transaction(work).immediate();
  }
}

/** As stored by any version. */
type Definition = Omit<ExperimentDefinition, keyof typeof LATER_FIELDS>;

/** Fields that definitions of earlier versions lack, and what they mean there. */
const LATER_FIELDS = {
  design: 'split',
  attribution: {},
  plannedDays: PLANNED_DAYS,
  hypothesis: '',
  owner: '',
  tags: [],
  curveByHour: false,
  ownMetrics: [],
  dimensions: [],
} as const satisfies Partial<ExperimentDefinition>;

function experimentOf(row: Row): Experiment {
  return {
    key: row.key,
    state: row.state,
    version: row.version,
    definition: { ...LATER_FIELDS, ...(JSON.parse(row.definition) as Definition) },
    createdAt: row.created_at,
    startedAt: row.started_at,
    stoppedAt: row.stopped_at,
  };
}

function fieldsThatDiffer(a: ExperimentDefinition, b: ExperimentDefinition): string[] {
  return Object.keys(b).filter(
    (field) => JSON.stringify(a[field as keyof ExperimentDefinition]) !== JSON.stringify(b[field as keyof ExperimentDefinition]),
  );
}

function changedFields(before: Experiment | null, after: ExperimentDefinition): string {
  if (!before) return '';
  return fieldsThatDiffer(before.definition, after)
    .map((field) => {
      // Who was put into an arm by hand stands in the definition alone.
      if (field === 'forced') return `forced: ${countOf(before.definition.forced)} -> ${countOf(after.forced)}`;
      const [from, to] = [before.definition, after].map((each) => JSON.stringify(each[field as keyof ExperimentDefinition]));
      return `${field}: ${from} -> ${to}`;
    })
    .join('; ');
}

function countOf(forced: ExperimentDefinition['forced']): string {
  return counted(Object.keys(forced).length, 'unit');
}
