import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { ModelArtifact } from '../../ranker/registry/model-artifact.ts';
import type { Judgement } from '../../ranker/judging/judgement.ts';
import { readModelFile } from '../../ranker/registry/model-file.ts';
import { type AuditEntry, ModelRegistry } from '../../ranker/registry/model-registry.ts';

/** A model as jobs are given it: the name of one in the registry, or else the path of a model file. */
export function modelGiven(dataFolder: string, given: string): ModelArtifact {
  const registry = new ModelRegistry(join(dataFolder, 'models'));
  return !registry.has(given) && existsSync(given) ? readModelFile(given) : registry.read(given);
}

/** The name of the operating system's user that runs this. */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'unknown';
  }
}

/** What the judge found, the most believed first, and the word it ends in. */
export function judgementLines({ against, word, reason, evidence }: Judgement): readonly string[] {
  return [...evidence.map((each) => `  ${each.word}: ${each.says}`), `Judged against ${against}: ${word}. ${reason}`];
}

/** A change of the registry as a sentence. */
export function toldChange({ action, model, previous, who, why, forced, share }: AuditEntry): string {
  const part = share === undefined ? '' : ` on ${Number((100 * share).toFixed(2))} % of ${action === 'dark' ? 'lists' : 'users'}`;
  const instead = previous === null || previous === model ? '' : ` instead of ${previous}`;
  const what = {
    promote: `${model} serves${instead}`,
    'roll-back': `${model} serves again${instead}`,
    canary: model === null ? `the trial of ${previous ?? 'no model'} has ended` : `${model} is tried${part}${instead}`,
    dark: model === null ? `the dark reads of ${previous ?? 'no model'} have ended` : `${model} scores in the dark${part}${instead}`,
  }[action];
  return `${what} (${who}${forced ? ', forced' : ''}${why === '' ? '' : `: ${why}`})`;
}
