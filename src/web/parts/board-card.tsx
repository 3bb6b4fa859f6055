import type { BoardSummary } from '../api.ts';
import { counted } from '../words.ts';
import { PinImage } from './pin-image.tsx';

/** A board as a card: its newest pins, its name, how many pins it holds. */
export function BoardCard({ board: { id, title, pins, covers } }: { board: BoardSummary }) {
  return (
    <a class="board-card" href={`/board/${encodeURIComponent(id)}`}>
      <span class="board-covers">
        {covers.map((pinId) => (
          <PinImage key={pinId} pinId={pinId} widthPx={192} alt="" />
        ))}
      </span>
      <b>{title || id}</b>
      <small>{counted(pins, 'pin')}</small>
    </a>
  );
}
