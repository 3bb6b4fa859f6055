/** Erases people from the databases of a data folder: by the names they are stored under, or, in a node's copies, by their numbers. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openDatabase } from '../catalog/database.ts';
import { erasePerson, type LogErasure, namesOfPeople, peopleNamed } from '../catalog/log/erasure-log.ts';
import { openLog } from '../catalog/log/log-database.ts';
import { openCatalog } from '../catalog/pins/catalog-store.ts';
import type { ErasedPeople } from '../catalog/pins/erasure-store.ts';
import { ExposureStore } from '../experiments/counting/exposure-store.ts';
import { ExperimentStore } from '../experiments/experiment-store.ts';
import { JudgementStore } from '../experiments/judgement-store.ts';
import { newId } from '../math/random.ts';

export interface Erasure extends CatalogErasure, Omit<LogErasure, 'sessions'>, ExperimentErasure {}

/** Erases people by name; counts of what was there. Nodes hear of it by the numbers that are noted in the catalogue. */
export function erasePeople(dataFolder: string, names: readonly string[], synchronous: string): Erasure {
  // Noted before anything is gone, so that a run that breaks off leaves nobody half erased and unknown to nodes.
  const erased = noteErasure(dataFolder, numbersOf(dataFolder, names), synchronous);
  const inCatalog = forgetInCatalog(dataFolder, names, synchronous);
  const { sessions, ...inLog } = forgetInLog(dataFolder, names, synchronous);
  // After the log, from which exposures are counted: a count in between would find the name again.
  const inExperiments = forgetInExperiments(dataFolder, names, sessions, synchronous);
  // And again behind it: what was published in between may hold them.
  noteErasure(dataFolder, erased, synchronous);
  return { ...inCatalog, ...inLog, ...inExperiments };
}

/** Erases in copies those whom the writer erased. Who is not in them, or is nameless there already, is passed over. */
export function eraseNumbered(dataFolder: string, { users, people }: ErasedPeople, synchronous: string): void {
  const catalog = openCatalog(dataFolder, { synchronous });
  const log = openLog(dataFolder, { synchronous });
  const names = [...users.map((user) => catalog.users.idOf(user)), ...namesOfPeople(log.database, people)];
  catalog.close();
  log.close();
  const known = [...new Set(names)].filter((name) => name !== null);
  if (known.length > 0) erasePeople(dataFolder, known, synchronous);
}

function numbersOf(dataFolder: string, names: readonly string[]): ErasedPeople {
  const catalog = openCatalog(dataFolder);
  const log = openLog(dataFolder);
  try {
    return {
      users: names.map((name) => catalog.users.indexOf(name)).filter((userIndex) => userIndex >= 0),
      people: peopleNamed(log.database, names),
    };
  } finally {
    catalog.close();
    log.close();
  }
}

function noteErasure(dataFolder: string, erased: ErasedPeople, synchronous: string): ErasedPeople {
  const catalog = openCatalog(dataFolder, { synchronous });
  try {
    catalog.transaction(() => catalog.erasures.note(erased));
    return erased;
  } finally {
    catalog.close();
  }
}

interface CatalogErasure {
  readonly known: boolean;
  readonly saves: number;
  readonly boardsLeft: number;
}

function forgetInCatalog(dataFolder: string, names: readonly string[], synchronous: string): CatalogErasure {
  const catalog = openCatalog(dataFolder, { synchronous });
  try {
    catalog.database.pragma('secure_delete = ON');
    const erased = names.map((name) => ({ boards: catalog.users.boardsOf(name), saves: catalog.users.erase(name) }));
    catalog.database.pragma('wal_checkpoint(TRUNCATE)');
    const sum = (count: (each: (typeof erased)[number]) => number): number => erased.reduce((total, each) => total + count(each), 0);
    return {
      known: erased.some(({ saves }) => saves >= 0),
      saves: sum(({ saves }) => Math.max(0, saves)),
      boardsLeft: sum(({ boards }) => boards),
    };
  } finally {
    catalog.close();
  }
}

function forgetInLog(dataFolder: string, names: readonly string[], synchronous: string): LogErasure {
  const log = openLog(dataFolder, { synchronous });
  try {
    const erased = names.map((name) => erasePerson(log.database, name));
    return {
      events: erased.reduce((sum, { events }) => sum + events, 0),
      strayEvents: erased.reduce((sum, { strayEvents }) => sum + strayEvents, 0),
      servedLists: erased.reduce((sum, { servedLists }) => sum + servedLists, 0),
      sessions: erased.flatMap(({ sessions }) => sessions),
    };
  } finally {
    log.close();
  }
}

interface ExperimentErasure {
  readonly exposures: number;
  readonly judgements: number;
  readonly experimentsThatNamedThem: number;
}

/** Exposures and judgements keep their counts under a nameless unit; nobody of that name is in an arm by hand any more. */
function forgetInExperiments(
  dataFolder: string,
  names: readonly string[],
  sessions: readonly string[],
  synchronous: string,
): ExperimentErasure {
  const path = join(dataFolder, 'experiments.sqlite');
  if (!existsSync(path)) return { exposures: 0, judgements: 0, experimentsThatNamedThem: 0 };
  const database = openDatabase(path, { synchronous });
  try {
    database.pragma('secure_delete = ON');
    const [exposures, judgements, experiments] = [new ExposureStore(database), new JudgementStore(database), new ExperimentStore(database)];
    const nameless = `erased ${newId()}`;
    const units = [...names, ...sessions];
    const erased = {
      exposures: units.reduce((sum, unit) => sum + exposures.forgetUnit(unit, `erased ${newId()}`), 0),
      judgements: names.reduce((sum, name) => sum + judgements.forgetJudge(name, nameless), 0),
      experimentsThatNamedThem: experiments.forgetForced(units, { by: 'erase-user', at: Date.now() }),
    };
    database.pragma('wal_checkpoint(TRUNCATE)');
    return erased;
  } finally {
    database.close();
  }
}
