/**
 * Is a model better than the one that serves? Evidence in the order in which it is believed: an experiment between the two,
 * lists that were served shuffled, all lists with the bias of places taken out. Where neither model has learned from people,
 * boards that a replay held out and what everybody can see. Else nobody can tell yet, which is neither a pass nor a refusal.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { JudgedList } from '../catalog/log/judged-list.ts';
import type { Surface } from '../catalog/log/served-list.ts';
import { type LogDatabase, openLog } from '../catalog/log/log-database.ts';
import { isReplayed, replayFolder } from '../catalog/log/replayed-list.ts';
import { ServiceError } from '../errors.ts';
import { comparisonOf, modelPairs } from '../experiments/report/model-comparison.ts';
import { boardEvidence, clickEvidence } from '../ranker/judging/click-evidence.ts';
import { compareLists } from '../ranker/judging/compared-lists.ts';
import { decide, type Evidence, type Judgement, liftText, wordOf } from '../ranker/judging/judgement.ts';
import { scoresOnLog } from '../ranker/judging/scores-on-log.ts';
import { type Decision, promoteModel } from '../ranker/registry/model-promotion.ts';
import { type AuditEntry, SHIPPED_MODELS, type ModelRegistry } from '../ranker/registry/model-registry.ts';
import { readUsableModel } from '../ranker/scoring/usable-model.ts';
import { servingSince } from '../vision/net-folder.ts';
import type { Context } from './context.ts';
import { visibleEvidence } from './visible-order.ts';

const SURFACES = ['closeup', 'home-feed', 'rank'] as const;
/** Choice: more lists move the interval little and take memory. */
const LISTS_MAX = 20_000;
/** Choice: one person, or one robot, is not the public. */
const LISTS_PER_USER_MAX = 200;

/** Judges a model against another, by default the one that serves. Throws RANKER_MODEL_UNKNOWN or RANKER_MODEL_REFUSED. */
export async function judgeModel(
  context: Context,
  name: string,
  {
    against = context.registry.servingOn(surfaceOf(context, name) ?? 'closeup'),
    now = Date.now(),
  }: { readonly against?: string; readonly now?: number } = {},
): Promise<Judgement> {
  const { registry, log } = context;
  const learned = { a: learnedFrom(context, name), b: learnedFrom(context, against) };
  const evidence: Evidence[] = await experimentEvidence(context, name, against);
  if (evidence.some(({ word }) => word !== 'cannot tell')) return decide({ model: name, against, evidence, missing: null, people: true });
  const judgedFrom = Math.max(learned.a.until, learned.b.until);
  const scores = { a: await scoresOnLog(registry, name), b: await scoresOnLog(registry, against) };
  const surface = surfaceOf(context, name);
  const range = { from: servingSince(context.dataFolder), surfaces: surface ? [surface] : SURFACES };
  const replay = openReplay(context.dataFolder);
  const lists = judgable(inTurn(replay?.judged(range) ?? [], log.judged(range)), judgedFrom);
  const compared = await compareLists(lists, scores, LISTS_MAX).finally(() => replay?.close());
  const clicks = clickEvidence(compared, judgedFrom, now);
  evidence.push(...clicks.evidence);
  const people = learned.a.people || learned.b.people;
  if (!people) {
    evidence.push(boardEvidence(compared, judgedFrom));
    if (surface === undefined || surface === 'closeup')
      evidence.push(...(await visibleEvidence(context.parts, { a: name, b: against }, now)));
  }
  return decide({ model: name, against, evidence, missing: clicks.missing, people });
}

/**
 * Promotes a model if it is judged better or as good; what ships with the program is promoted unjudged, because the way back
 * must not be barred. Throws RANKER_GUARDRAIL for a worse one and RANKER_UNJUDGED where nobody can tell, unless forced.
 */
export async function promoteJudged(
  context: Context,
  name: string | null,
  decision: Decision,
): Promise<AuditEntry & { readonly judgement: Judgement | null }> {
  const { registry } = context;
  const model = name ?? registry.newest();
  if (model === null) throw new ServiceError('NOTHING_TO_DO', { reason: 'There is no model to promote; run train-ranker first.' });
  if (SHIPPED_MODELS.includes(model) || model === registry.servingOn(surfaceOf(context, model) ?? 'closeup'))
    return { ...promoteModel(registry, model, decision), judgement: null };
  readUsableModel(registry, model);
  const judgement = await judgeModel(context, model);
  if (decision.force !== true) {
    if (judgement.word === 'worse') throw new ServiceError('RANKER_GUARDRAIL', { model, reason: judgement.reason });
    if (judgement.word === 'cannot tell') throw new ServiceError('RANKER_UNJUDGED', { model, reason: judgement.reason });
  }
  const judged = `${judgement.word}: ${judgement.reason}`;
  return { ...promoteModel(registry, model, { ...decision, judged }), judgement };
}

/** The surface a model was made for; undefined: every one. */
function surfaceOf({ registry }: Context, name: string): Surface | undefined {
  return SHIPPED_MODELS.includes(name) ? undefined : registry.read(name).surface;
}

/** The log of `replay-saves`; null without one. */
function openReplay(dataFolder: string): LogDatabase | null {
  const folder = replayFolder(dataFolder);
  return existsSync(join(folder, 'log.sqlite')) ? openLog(folder) : null;
}

function* inTurn(...parts: readonly Iterable<JudgedList>[]): Generator<JudgedList> {
  for (const part of parts) yield* part;
}

interface Learned {
  /** Whether people's actions taught it, not only saves that a replay acted out. */
  readonly people: boolean;
  /** Lists from here on taught it nothing, epoch milliseconds. */
  readonly until: number;
}

function learnedFrom({ registry, log }: Context, name: string): Learned {
  if (SHIPPED_MODELS.includes(name)) return { people: false, until: 0 };
  const { window, heldOutFrom } = registry.read(name).lineage;
  if (window === null) return { people: false, until: 0 };
  const until = heldOutFrom ?? window.to;
  for (const list of log.judged({ from: window.from, to: until, surfaces: SURFACES, withRows: false }))
    if (!isReplayed(list)) return { people: true, until };
  return { people: false, until };
}

/** Lists that taught neither model, and older ones that were shuffled: they say how places are looked at. */
function* judgable(lists: Iterable<JudgedList>, judgedFrom: number): Generator<JudgedList> {
  const ofUser = new Map<string, number>();
  for (const list of lists) {
    if (list.at < judgedFrom && (!list.shuffled || isReplayed(list))) continue;
    if (list.userId !== null && !isReplayed(list)) {
      const count = (ofUser.get(list.userId) ?? 0) + 1;
      ofUser.set(list.userId, count);
      if (count > LISTS_PER_USER_MAX) continue;
    }
    yield list;
  }
}

async function experimentEvidence(context: Context, a: string, b: string): Promise<Evidence[]> {
  const { experiments, registry } = context;
  const pairs = modelPairs(experiments.store.list(), a, b, servedBetween(registry));
  const evidence: Evidence[] = [];
  for (const pair of pairs) {
    await experiments.catchUp(pair.experiment);
    const found = comparisonOf(pair, experiments.reportAsCounted(pair.experiment));
    if (!found) continue;
    const { key, metric, lift, low, high, users } = found;
    const figures = low === null || high === null ? 'too few users for an interval' : liftText(lift, low, high);
    const says = `the experiment ${key}, ${users} users: ${metric} ${figures}`;
    evidence.push({ kind: 'experiment', word: wordOf(low, high), lift, low, high, count: users, says });
  }
  return evidence;
}

/** Which model served all the time between two moments; null when that changed. */
function servedBetween(registry: ModelRegistry): (from: number, to: number) => string | null {
  const changes = registry.history().filter(({ action }) => action === 'promote' || action === 'roll-back');
  return (from, to) => {
    const inside = changes.some(({ at, model, previous }) => model !== previous && Date.parse(at) > from && Date.parse(at) < to);
    if (inside) return null;
    const before = changes.filter(({ at }) => Date.parse(at) <= from).at(-1);
    return before?.model ?? changes[0]?.previous ?? registry.roles().serving;
  };
}
