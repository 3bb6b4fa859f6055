import { useState } from 'preact/hooks';
import { type BoardSummary, call } from '../api.ts';
import { useLoaded } from '../load.ts';
import { counted } from '../words.ts';
import { BoardCard } from './board-card.tsx';

/** Boards that are shown before somebody asks for all. */
const SHOWN = 4;

/** The boards that hold a pin: the way to more of the same that people take most. */
export function PinBoards({ pinId }: { pinId: string }) {
  const [all, setAll] = useState(false);
  const address = `/pins/${encodeURIComponent(pinId)}/boards`;
  const reply = useLoaded(address, (signal) => call<{ boards: readonly BoardSummary[] }>(address, { signal }));
  if (reply.kind !== 'there') return null;
  const { boards } = reply.value;
  if (boards.length === 0) return <p class="hint">On no board yet.</p>;
  return (
    <section class="pin-boards" aria-label="Boards">
      <h2>On {counted(boards.length, 'board')}</h2>
      <div class="boards">
        {(all ? boards : boards.slice(0, SHOWN)).map((board) => (
          <BoardCard key={board.id} board={board} />
        ))}
      </div>
      {!all && boards.length > SHOWN && (
        <button type="button" onClick={() => setAll(true)}>
          Show all {boards.length}
        </button>
      )}
    </section>
  );
}
