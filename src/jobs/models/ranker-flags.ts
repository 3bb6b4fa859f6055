/** Flags that the ranker's jobs share. */
import { ServiceError } from '../../errors.ts';
import { NORMALIZATION_KINDS, type NormalizationKind } from '../../ranker/scoring/normalizer.ts';

export function normalizationOf(given: unknown, fallback: NormalizationKind): NormalizationKind {
  const kind = given === undefined ? fallback : String(given);
  if ((NORMALIZATION_KINDS as readonly string[]).includes(kind)) return kind as NormalizationKind;
  throw new ServiceError('JOB_USAGE', { reason: `--normalize must be ${NORMALIZATION_KINDS.join(', ')}, it is ${kind}` });
}

export function positive(given: unknown, flag: string): number | null {
  if (given === undefined) return null;
  if (!(Number(given) > 0)) throw new ServiceError('JOB_USAGE', { reason: `${flag} must be above 0, it is ${String(given)}` });
  return Number(given);
}

/** A time as ISO 8601 or epoch milliseconds. */
export function timeOf(given: unknown, flag: string): number | undefined {
  if (given === undefined) return undefined;
  const text = String(given);
  const at = /^\d{11,}$/.test(text) ? Number(text) : Date.parse(text);
  if (Number.isNaN(at)) throw new ServiceError('JOB_USAGE', { reason: `${flag} must be a time (ISO 8601), it is ${text}` });
  return at;
}
