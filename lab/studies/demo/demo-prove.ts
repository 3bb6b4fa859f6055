/**
 * The proof: the same run in worlds where the answer is known. Planted: visual categories gain. Null: pictures say nothing,
 * so simultaneous 95 % intervals over all categories and seeds cover zero. Reversed: the reversed categories lead.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { normalQuantile } from '../../../src/math/distributions.ts';
import { CATEGORIES } from '../../world/latents.ts';
import { visualWeights } from '../../world/people.ts';
import { WORLD_KINDS, type WorldKind, type WorldSize } from '../../world/recipe.ts';
import type { CategoryLift, Measurement } from './demo-measure.ts';
import type { JobInput } from '../../../src/jobs/job.ts';

/** What the demo reads of its flags itself. */
export type DemoInput = JobInput<{ readonly lists: number }>;

type MakeDemo = (
  input: DemoInput,
  size: WorldSize,
  plan: { readonly proof: true; readonly twin: string | null },
) => Promise<Readonly<Record<string, unknown>>>;

interface ProvedLift extends CategoryLift {
  /** Interval that holds for all categories and seeds of this kind of world together. */
  readonly simultaneous: { readonly low: number; readonly high: number };
}

export interface ProvedWorld {
  readonly world: WorldKind;
  readonly seed: number;
  readonly ndcg10: Measurement['ndcg10'];
  readonly liftByCategory: readonly ProvedLift[];
}

/** Makes each world in a folder of its own under the data folder, keeps the figures, drops the pictures. A stopped run goes on. */
export async function prove(
  input: JobInput<Omit<WorldSize, 'kind'> & { readonly seeds: number; readonly lists: number }>,
  makeDemo: MakeDemo,
): Promise<Readonly<Record<string, unknown>>> {
  const { options } = input;
  const { seeds, pins, boards, users } = options;
  const folderOf = (kind: WorldKind, seed: number): string => join(input.dataFolder, 'proof', `${kind}-${seed}`);
  const worlds: ProvedWorld[] = [];
  for (let seed = 1; seed <= seeds; seed++) {
    for (const kind of WORLD_KINDS) {
      const dataFolder = folderOf(kind, seed);
      mkdirSync(dataFolder, { recursive: true });
      input.progress.note(`${kind} world, seed ${seed}`);
      const size = { kind, seed, pins, boards, users };
      const twin = kind === 'planted' ? null : folderOf('planted', seed);
      const receipt = await makeDemo({ ...input, dataFolder, config: { ...input.config, data: dataFolder } }, size, { proof: true, twin });
      worlds.push(worldOf(kind, seed, receipt as unknown as Measurement, seeds));
    }
    for (const kind of WORLD_KINDS) rmSync(join(folderOf(kind, seed), 'world', 'images'), { recursive: true, force: true });
  }
  worlds.sort((a, b) => WORLD_KINDS.indexOf(a.world) - WORLD_KINDS.indexOf(b.world));
  return { worlds, checks: checksOf(worlds) };
}

function worldOf(world: WorldKind, seed: number, { ndcg10, liftByCategory }: Measurement, seeds: number): ProvedWorld {
  const wide = simultaneousFactor(liftByCategory.length * seeds);
  return {
    world,
    seed,
    ndcg10,
    liftByCategory: liftByCategory.map((row) => ({
      ...row,
      simultaneous: { low: row.lift - wide * (row.lift - row.low), high: row.lift + wide * (row.high - row.lift) },
    })),
  };
}

/** How much wider than a single 95 % interval one must be for `count` of them to hold together (Bonferroni, normal). */
export function simultaneousFactor(count: number): number {
  return normalQuantile(1 - 0.025 / count) / normalQuantile(0.975);
}

export interface Check {
  readonly name: string;
  readonly passed: boolean;
  readonly detail: string;
}

export function checksOf(worlds: readonly ProvedWorld[]): readonly Check[] {
  const of = (kind: WorldKind): readonly ProvedWorld[] => worlds.filter(({ world }) => world === kind);
  return [leads('planted', of('planted')), coversZero(of('null')), leads('reversed', of('reversed'))].filter((check) => check !== null);
}

/** The categories whose looks weigh most gain more than those whose looks weigh least, in every seed. */
function leads(kind: WorldKind, worlds: readonly ProvedWorld[]): Check | null {
  if (worlds.length === 0) return null;
  const weights = visualWeights(kind);
  const order = CATEGORIES.map(({ name }, i) => [weights[i], name] as const)
    .sort(([a], [b]) => b - a)
    .map(([, name]) => name);
  const third = Math.floor(order.length / 3);
  const [most, least] = [order.slice(0, third), order.slice(-third)];
  const gains = worlds.map(({ liftByCategory }) => {
    const mean = (names: readonly string[]): number =>
      liftByCategory.filter(({ category }) => names.includes(category)).reduce((sum, { lift }) => sum + lift / names.length, 0);
    return { most: mean(most), least: mean(least) };
  });
  return {
    name: `${kind}: the visual third of the categories leads`,
    passed: gains.every((gain) => gain.most > gain.least),
    detail: gains.map((gain) => `${(100 * gain.most).toFixed(2)} % against ${(100 * gain.least).toFixed(2)} %`).join('; '),
  };
}

function coversZero(worlds: readonly ProvedWorld[]): Check | null {
  if (worlds.length === 0) return null;
  const rows = worlds.flatMap(({ seed, liftByCategory }) => liftByCategory.map((row) => ({ seed, ...row })));
  const away = rows.filter(({ simultaneous: { low, high } }) => low > 0 || high < 0);
  return {
    name: 'null: simultaneous 95 % intervals cover zero',
    passed: away.length === 0,
    detail:
      away.length === 0
        ? `all ${rows.length}`
        : away.map(({ category, seed, lift }) => `${category} (seed ${seed}) ${(100 * lift).toFixed(2)} %`).join('; '),
  };
}
