import type { Degradation } from '../lists/serving-parts.ts';

/** A path with its folders, of which the name of the file is left. */
const FOLDERS = /(?:[A-Za-z]:)?(?:[\\/][^\s\\/:;,'"]+)+[\\/](?=[^\s\\/])/g;
const REDIS = 'Redis does not answer, or not in time: what people do in other processes is not known here.';

/** Degradations as a reply has them: where files lie and who is asked inside stands in the log and in what `doctor` says. */
export function publicDegradations(degraded: readonly Degradation[]): readonly Degradation[] {
  return degraded.map(({ code, reason }) => ({ code, reason: code === 'REDIS_UNAVAILABLE' ? REDIS : reason.replaceAll(FOLDERS, '') }));
}
