/**
 * Blind judgements: people compare two lists for one query pin (which side is better), or grade single candidates.
 * Sides are shown in an order drawn by lot; some pairs come again, sides exchanged, to measure agreement.
 */
import type { Database } from '../catalog/database.ts';
import { migrate } from '../catalog/database.ts';
import { type NameUser, userNaming } from '../catalog/pins/user-pseudonym.ts';
import { ServiceError } from '../errors.ts';
import { mixedSeed, newId, seededRandom } from '../math/random.ts';
import type { Rating } from './statistics/agreement.ts';
import { krippendorffAlpha } from './statistics/agreement.ts';

const SCHEMA = `
CREATE TABLE judgement_task (
  task_id TEXT PRIMARY KEY, study TEXT NOT NULL, place INTEGER NOT NULL, kind TEXT NOT NULL,
  query_pin TEXT NOT NULL, left_name TEXT NOT NULL, left_pins TEXT NOT NULL, right_name TEXT NOT NULL,
  right_pins TEXT NOT NULL, pair TEXT NOT NULL) STRICT;
CREATE INDEX judgement_task_by_study ON judgement_task (study, place);
CREATE TABLE judgement (
  task_id TEXT NOT NULL, judge TEXT NOT NULL, answer INTEGER NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY (task_id, judge)) STRICT, WITHOUT ROWID;
`;

/** Whether the list of the first treatment stands left; null: grades, and studies made before this was kept. */
const FIRST_IS_LEFT = 'ALTER TABLE judgement_task ADD COLUMN first_is_left INTEGER';

/** Two lists for a query, named by treatment. For a graded candidate `pinIdsB` is empty. */
interface JudgementPair {
  readonly queryPinId: string;
  readonly pinIdsA: readonly string[];
  readonly pinIdsB: readonly string[];
}

/** What a judge sees: nothing that identifies the treatments. */
interface BlindTask {
  readonly taskId: string;
  readonly kind: 'pair' | 'grade';
  readonly queryPinId: string;
  readonly left: readonly string[];
  readonly right: readonly string[];
  readonly done: number;
  readonly total: number;
}

/** What the answers of a study say so far. `a` and `b` are its two treatments as the study was made with them. */
interface StudySummary {
  readonly study: string;
  readonly kind: 'pair' | 'grade';
  readonly tasks: number;
  readonly judgements: number;
  readonly judges: number;
  /** Share of answers for b among those for either; null without any. Grades: null. */
  readonly preferenceForB: number | null;
  readonly preferences: { readonly a: number; readonly b: number; readonly tie: number } | null;
  /** Krippendorff's alpha between judges, and of judges with themselves on repeated pairs; null: nothing to compare. */
  readonly agreement: number | null;
  readonly selfAgreement: number | null;
}

/** A graded judgement as a label: mean grade of a candidate for a query. */
export interface GradedLabel {
  readonly queryPinId: string;
  readonly pinId: string;
  readonly grade: number;
  readonly judges: number;
}

interface TaskRow {
  task_id: string;
  kind: 'pair' | 'grade';
  query_pin: string;
  left_name: string;
  left_pins: string;
  right_pins: string;
  pair: string;
  first_is_left: number | null;
}

interface AnswerRow extends TaskRow {
  judge: string;
  answer: number;
}

/** Grades run from 0 to this. */
const GRADE_MAX = 4;

/** Studies by name, their tasks in an order drawn once, one answer per task and judge. */
export class JudgementStore {
  private readonly database: Database;
  private readonly nameUser: NameUser;

  /** `nameUser`: the names under which judges are stored. */
  constructor(database: Database, nameUser: NameUser = userNaming('')) {
    this.database = database;
    this.nameUser = nameUser;
    migrate(database, 'judgements', [SCHEMA, FIRST_IS_LEFT]);
  }

  /**
   * Makes a study of two treatments' lists: which list stands left is drawn by lot, a share `repeats` of the pairs comes
   * a second time with the sides exchanged. Same seed, same study. Returns the number of tasks.
   * Throws REQUEST_INVALID when there is a study of this name.
   */
  addPairs(study: string, names: readonly [string, string], pairs: readonly JudgementPair[], seed: number, repeats = 0.1): number {
    const random = seededRandom(mixedSeed(seed, `judgements/${study}`));
    const again = random.shuffled(pairs.map((_, index) => index)).slice(0, Math.round(repeats * pairs.length));
    const order = [...random.shuffled(pairs.map((_, index) => index)), ...random.shuffled(again)];
    const flipped = new Map(pairs.map((_, index) => [index, random.next() < 0.5]));
    return this.insertAll(
      study,
      order.map((index, place) => {
        const flip = place < pairs.length ? flipped.get(index) === true : flipped.get(index) !== true;
        const { queryPinId, pinIdsA, pinIdsB } = pairs[index];
        const sides = [
          { name: names[0], pins: pinIdsA },
          { name: names[1], pins: pinIdsB },
        ];
        const [left, right] = flip ? [sides[1], sides[0]] : sides;
        return { kind: 'pair', queryPinId, left, right, pair: String(index), place, firstIsLeft: flip ? 0 : 1 };
      }),
    );
  }

  /** Makes a study of single candidates to be graded 0 to 4; a share comes twice. Otherwise as `addPairs`. */
  addGrades(study: string, items: readonly { readonly queryPinId: string; readonly pinId: string }[], seed: number, repeats = 0.1): number {
    const random = seededRandom(mixedSeed(seed, `judgements/${study}`));
    const indexes = items.map((_, index) => index);
    const order = [...random.shuffled(indexes), ...random.shuffled(indexes).slice(0, Math.round(repeats * items.length))];
    return this.insertAll(
      study,
      order.map((index, place) => {
        const { queryPinId, pinId } = items[index];
        const left = { name: 'candidate', pins: [pinId] };
        return { kind: 'grade', queryPinId, left, right: { name: '', pins: [] }, pair: String(index), place, firstIsLeft: null };
      }),
    );
  }

  private insertAll(
    study: string,
    tasks: readonly {
      kind: string;
      queryPinId: string;
      left: { name: string; pins: readonly string[] };
      right: { name: string; pins: readonly string[] };
      pair: string;
      place: number;
      firstIsLeft: 0 | 1 | null;
    }[],
  ): number {
    const insert = this.database.prepare('INSERT INTO judgement_task VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
    this.database
      .transaction(() => {
        if (this.database.prepare('SELECT 1 FROM judgement_task WHERE study = ?').get(study))
          throw new ServiceError('REQUEST_INVALID', { detail: `There is a study ${study} already.`, field: 'study' });
        for (const { kind, queryPinId, left, right, pair, place, firstIsLeft } of tasks)
          insert.run(
            newId(),
            study,
            place,
            kind,
            queryPinId,
            left.name,
            JSON.stringify(left.pins),
            right.name,
            JSON.stringify(right.pins),
            pair,
            firstIsLeft,
          );
      })
      .immediate();
    return tasks.length;
  }

  /** Names, ascending. */
  studies(): readonly string[] {
    return this.database.prepare('SELECT DISTINCT study FROM judgement_task ORDER BY study').pluck().all() as string[];
  }

  /** The next task this judge has not answered and all of whose pins may be shown; null when there is none. */
  next(study: string, judgeId: string, mayShow: (pinId: string) => boolean = () => true): BlindTask | null {
    const judge = this.nameUser(judgeId);
    const row = this.openTask(study, judge, mayShow);
    if (!row) return null;
    const total = this.database.prepare('SELECT count(*) FROM judgement_task WHERE study = ?').pluck().get(study) as number;
    const done = this.database
      .prepare('SELECT count(*) FROM judgement JOIN judgement_task USING (task_id) WHERE study = +? AND judge = +?')
      .pluck()
      .get(study, judge) as number;
    const [left, right] = [row.left_pins, row.right_pins].map(pinIdsOf);
    return { taskId: row.task_id, kind: row.kind, queryPinId: row.query_pin, left, right, done, total };
  }

  private openTask(study: string, judge: string, mayShow: (pinId: string) => boolean): TaskRow | null {
    const open = this.database.prepare(
      `SELECT * FROM judgement_task t WHERE study = +? AND NOT EXISTS
       (SELECT 1 FROM judgement j WHERE j.task_id = t.task_id AND j.judge = +?) ORDER BY place`,
    );
    for (const row of open.iterate(study, judge) as IterableIterator<TaskRow>)
      if ([row.query_pin, ...pinIdsOf(row.left_pins), ...pinIdsOf(row.right_pins)].every(mayShow)) return row;
    return null;
  }

  /**
   * Stores an answer: -1 left, 0 neither, 1 right for a pair; 0 to 4 for a grade. A second one of the same judge replaces
   * the first. Throws REQUEST_INVALID for another answer or an unknown task.
   */
  answer(taskId: string, judge: string, answer: number, at: number): void {
    const row = this.database.prepare('SELECT kind FROM judgement_task WHERE task_id = ?').get(taskId) as { kind: string } | undefined;
    if (!row) throw new ServiceError('REQUEST_INVALID', { detail: `There is no judgement task ${taskId}.`, field: 'taskId' });
    const valid = row.kind === 'pair' ? Math.abs(answer) <= 1 : answer >= 0 && answer <= GRADE_MAX;
    if (!Number.isInteger(answer) || !valid)
      throw new ServiceError('REQUEST_INVALID', {
        detail: `An answer is ${row.kind === 'pair' ? '-1, 0 or 1' : '0 to 4'}.`,
        field: 'answer',
      });
    this.database.prepare('INSERT OR REPLACE INTO judgement VALUES (?, ?, ?, ?)').run(taskId, this.nameUser(judge), answer, at);
  }

  /** Preference and agreement over all answers; zeros and nulls for a study without any. */
  summary(study: string): StudySummary {
    const answers = this.answers(study);
    const { tasks, kind, firstName } = this.database
      .prepare(
        `SELECT count(*) AS tasks, coalesce(min(kind), 'pair') AS kind, min(min(left_name, right_name)) AS firstName
         FROM judgement_task WHERE study = ?`,
      )
      .get(study) as { tasks: number; kind: StudySummary['kind']; firstName: string };
    const scored = answers.map((row) => ({ ...row, score: scoreOf(row, firstName) }));
    const preferences = {
      a: scored.filter((row) => row.score < 0).length,
      b: scored.filter((row) => row.score > 0).length,
      tie: scored.filter((row) => row.score === 0).length,
    };
    const decided = preferences.a + preferences.b;
    return {
      study,
      kind,
      tasks,
      judgements: answers.length,
      judges: new Set(answers.map((row) => row.judge)).size,
      preferenceForB: kind === 'pair' && decided > 0 ? preferences.b / decided : null,
      preferences: kind === 'pair' ? preferences : null,
      agreement: krippendorffAlpha(betweenJudges(scored), 'ordinal'),
      selfAgreement: krippendorffAlpha(withinJudges(scored), 'ordinal'),
    };
  }

  /** Mean grade of every graded candidate: labels for `evaluate-ranker`. */
  labels(study: string): readonly GradedLabel[] {
    const sums = new Map<string, { queryPinId: string; pinId: string; sum: number; judges: Set<string>; count: number }>();
    for (const row of this.answers(study)) {
      if (row.kind !== 'grade') continue;
      const [pinId] = JSON.parse(row.left_pins) as string[];
      const entry = sums.get(row.pair) ?? {
        queryPinId: row.query_pin,
        pinId,
        sum: 0,
        judges: new Set<string>(),
        count: 0,
      };
      entry.sum += row.answer;
      entry.count++;
      entry.judges.add(row.judge);
      sums.set(row.pair, entry);
    }
    return [...sums.values()].map(({ queryPinId, pinId, sum, judges, count }) => ({
      queryPinId,
      pinId,
      grade: sum / count,
      judges: judges.size,
    }));
  }

  /** Leaves a judge's answers without their name. Returns how many there are. */
  forgetJudge(judge: string, nameless: string): number {
    return this.database.prepare('UPDATE judgement SET judge = ? WHERE judge = ?').run(nameless, judge).changes;
  }

  /** Renames judges by the SQL function `name_user` of the connection; of two answers to one task that under the present name stays. */
  renameJudges(): number {
    const renamed = this.database.prepare('UPDATE OR IGNORE judgement SET judge = name_user(judge) WHERE judge <> name_user(judge)').run();
    this.database.prepare('DELETE FROM judgement WHERE judge <> name_user(judge)').run();
    return renamed.changes;
  }

  private answers(study: string): readonly AnswerRow[] {
    return this.database
      .prepare('SELECT * FROM judgement JOIN judgement_task USING (task_id) WHERE study = +? ORDER BY place, judge')
      .all(study) as AnswerRow[];
  }
}

function pinIdsOf(text: string): string[] {
  return JSON.parse(text) as string[];
}

/**
 * Grades as they are; answers to pairs as seen from the treatments: negative for the first, positive for the other. Of old
 * studies the first by name is taken for the first.
 */
function scoreOf({ kind, answer, first_is_left, left_name }: AnswerRow, firstName: string): number {
  if (kind === 'grade') return answer;
  const isFirst = first_is_left === null ? left_name === firstName : first_is_left === 1;
  return isFirst ? answer : 0 - answer;
}

/** One rating per judge and pair (the first one). */
function betweenJudges(rows: readonly (AnswerRow & { score: number })[]): Rating[] {
  const seen = new Set<string>();
  return rows.flatMap((row) => {
    const key = `${row.pair}|${row.judge}`;
    if (seen.has(key)) return [];
    seen.add(key);
    return [{ unit: row.pair, value: row.score }];
  });
}

function withinJudges(rows: readonly (AnswerRow & { score: number })[]): Rating[] {
  return rows.map((row) => ({ unit: `${row.pair}|${row.judge}`, value: row.score }));
}
