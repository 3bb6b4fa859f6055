import type { NeighborIndex } from '../candidates/visual/neighbor-index.ts';
import type { CodeTable } from '../features/visual-features.ts';
import { seededRandom } from '../math/random.ts';

const SAMPLED = 128;
/** This share of the catalogue's own pictures counts as strange. */
const STRANGE = 0.02;

/** How much the bits of two pictures agree, measured by how much those of the catalogue's own pictures agree with their nearest. */
export interface Familiarity {
  /** From here on a nearest picture says something: all but 2 % of the catalogue's pictures have it. */
  readonly least: number;
  /** Half of the catalogue's pictures have none that is nearer. */
  readonly middle: number;
}

/**
 * What the catalogue's own pictures have with their nearest other one (seeded sample of 128). Nets differ too much in their codes for one number: with the
 * bundled one the middle of a catalogue's own nearest is 0.89, of foreign photos 0.75. Null for a catalogue of a few pictures.
 */
export async function familiarAgreement(
  table: CodeTable,
  index: NeighborIndex<Uint32Array>,
  groupOf: (pinIndex: number) => number,
): Promise<Familiarity | null> {
  const rows: number[] = [];
  for (let row = 0; row < table.capacity; row++) if (table.has[row] === 1) rows.push(row);
  if (rows.length < SAMPLED) return null;
  const agreements: number[] = [];
  for (const row of seededRandom(11).shuffled(rows).slice(0, SAMPLED)) {
    // Scans hold up the thread: between two of them requests are answered.
    await new Promise((turn) => setImmediate(turn));
    const code = table.codes.slice(row * table.words, (row + 1) * table.words);
    const { distances } = await index.search(code, 1, (other) => groupOf(other) !== groupOf(row));
    if (distances.length > 0) agreements.push(1 - distances[0] / table.bits);
  }
  agreements.sort((a, b) => a - b);
  const at = (share: number): number => agreements[Math.floor(share * agreements.length)] ?? 0;
  return { least: at(STRANGE), middle: at(0.5) };
}
