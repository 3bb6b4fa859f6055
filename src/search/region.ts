/** The region that a search asks about: read, described, and compared with the catalog. */
import type { Box } from '../vision/box.ts';
import { type SearchFilters, visualSearch, type VisualResult, type VisualSearchSources } from './flashlight.ts';
import type { QueryPicture, RegionLook } from './picture.ts';
import type { InTime, PictureQuestion, SearchParts } from './search-parts.ts';

/** A region that was read: what it looks like, what it is searched among, and the milliseconds of each stage. */
export interface FoundRegion {
  readonly picture: QueryPicture;
  /** The pin that the picture is of; -1: an upload. */
  readonly pinIndex: number;
  readonly look: RegionLook;
  /** In pixels; null: the whole picture. */
  readonly box: Box | null;
  readonly width: number;
  readonly height: number;
  readonly sources: VisualSearchSources;
  readonly timings: Record<string, number>;
}

/** Reads the picture and describes the region. @throws BOX_INVALID, IMAGE_..., INDEX_UNAVAILABLE, and what `inTime` throws. */
export async function readRegion(parts: SearchParts, question: PictureQuestion, inTime: InTime): Promise<FoundRegion> {
  const { upload, pinIndex, boxUnit } = question;
  const { sources, net, reader } = parts;
  const startedAt = performance.now();
  const picture = upload ? { bytes: upload, key: null } : await parts.pictureOf(pinIndex);
  const { box, width, height } = await reader.region(picture.bytes, question.box, boxUnit);
  const readAt = performance.now();
  const known = box === null ? parts.knownSight(pinIndex) : null;
  const look = await inTime(() => reader.look(picture, box, net, known));
  const timings = { read: readAt - startedAt, describe: performance.now() - readAt };
  return { picture, pinIndex, look, box, width, height, sources, timings };
}

/** The pins that look like the region, best first; the time it takes is added to `timings.search`. */
export async function alike({ pinIndex, look, sources, timings }: FoundRegion, filters: SearchFilters): Promise<readonly VisualResult[]> {
  const startedAt = performance.now();
  const results = await visualSearch({ code: look.code, embedding: look.embedding, pinIndex }, filters, sources);
  timings.search = (timings.search ?? 0) + performance.now() - startedAt;
  return results;
}
