/** Examples that a list is asked by: pins that are liked, pins that are not, a picture. */
import type { CandidateQuery } from '../candidates/candidate.ts';
import type { PinColumns } from '../catalog/pins/pin-columns.ts';
import { murmur3Words } from '../math/murmur-hash.ts';

export interface Examples {
  readonly like: readonly number[];
  /** None of them is in `like`. */
  readonly unlike: readonly number[];
  /** The binary code of a picture that is liked too; null: none. */
  readonly picture: Uint32Array | null;
}

/** The same examples, each once: lists do not depend on the order in which a caller names them. */
export function inOneOrder({ like, unlike, picture }: Examples): Examples {
  const ordered = (pinIndexes: readonly number[]): number[] => [...new Set(pinIndexes)].sort((a, b) => a - b);
  return { like: ordered(like), unlike: ordered(unlike), picture };
}

/** What sources are asked about: the picture first. */
export function queriesOf({ like, picture }: Pick<Examples, 'like' | 'picture'>): readonly CandidateQuery[] {
  const pins = like.map((pinIndex) => ({ pinIndex, code: null }));
  return picture ? [{ pinIndex: -1, code: picture }, ...pins] : pins;
}

/** Names the list in its cursor. */
export function examplesName(pins: PinColumns, { like, unlike, picture }: Examples): string {
  const ids = (pinIndexes: readonly number[]): string => JSON.stringify(pinIndexes.map((pinIndex) => pins.idOf(pinIndex)));
  const seen = picture ? murmur3Words(picture, 0, picture.length, 0) : '';
  return `examples ${ids(like)} ${ids(unlike)} ${seen}`;
}
