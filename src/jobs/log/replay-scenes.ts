/**
 * What is replayed: for a board that is left out, a pin of it that somebody looks at (a closeup), or half of it that somebody
 * has saved already (a home feed); the board's other pins are the right answers. Scenes of one owner lie together, so that no
 * fold learns from the boards of an owner whom it judges.
 */
import type { BoardPins } from '../../candidates/cooccurrence/board-pins.ts';
import { type Random, seededRandom } from '../../math/random.ts';

export interface Scene {
  readonly surface: 'closeup' | 'home-feed';
  /** The board that is left out. */
  readonly board: number;
  /** Number of the owner's group, from 0. */
  readonly group: number;
  /** The pin that is looked at, or those that were saved already. */
  readonly known: readonly number[];
  readonly wanted: ReadonlySet<number>;
}

interface SceneCounts {
  readonly closeups: number;
  readonly homeFeeds: number;
  readonly closeupsPerBoard: number;
  readonly seed: number;
}

/** Pins of a board that are shared out between what was saved and what is wanted. */
const FEED_PINS_MIN = 4;
/** A board without a known owner is a group of its own. */
export function drawScenes(table: BoardPins, ownerOf: (board: number) => number, counts: SceneCounts): Scene[] {
  const random = seededRandom(counts.seed);
  const boards = Array.from({ length: table.boards }, (_, board) => board).filter((board) => pinsOf(table, board).length >= 2);
  const drawn = random.shuffled(boards);
  const scenes = [
    ...closeups(table, drawn, counts, random).slice(0, counts.closeups),
    ...drawn
      .filter((board) => pinsOf(table, board).length >= FEED_PINS_MIN)
      .slice(0, counts.homeFeeds)
      .map((board) => feedOf(table, board, random)),
  ];
  const owner = ({ board }: { readonly board: number }): string => (ownerOf(board) < 0 ? `board ${board}` : `owner ${ownerOf(board)}`);
  const groups = new Map(random.shuffled([...new Set(scenes.map(owner))]).map((name, at) => [name, at]));
  return scenes.map((scene) => ({ ...scene, group: groups.get(owner(scene)) ?? 0 })).sort((a, b) => a.group - b.group || a.board - b.board);
}

type Drawn = Omit<Scene, 'group'>;

/** Round after round a pin of each board, so that a bound on all of them leaves every board its first. */
function closeups(table: BoardPins, boards: readonly number[], { closeupsPerBoard }: SceneCounts, random: Random): Drawn[] {
  const orders = boards.map((board) => random.shuffled(Array.from(pinsOf(table, board))));
  const scenes: Drawn[] = [];
  for (let round = 0; round < closeupsPerBoard; round++) {
    boards.forEach((board, b) => {
      const query = orders[b][round];
      if (query === undefined) return;
      scenes.push({ surface: 'closeup', board, known: [query], wanted: new Set(orders[b].filter((pin) => pin !== query)) });
    });
  }
  return scenes;
}

function feedOf(table: BoardPins, board: number, random: Random): Drawn {
  const pins = random.shuffled(Array.from(pinsOf(table, board)));
  const half = Math.ceil(pins.length / 2);
  return { surface: 'home-feed', board, known: pins.slice(0, half), wanted: new Set(pins.slice(half)) };
}

function pinsOf({ boardStart, boardPins }: BoardPins, board: number): Uint32Array {
  return boardPins.subarray(boardStart[board], boardStart[board + 1]);
}
