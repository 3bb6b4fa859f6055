import { type BoardSummary, call } from '../api.ts';
import { useLoaded } from '../load.ts';

/** The boards that hold a pin, as ways to them. */
export function BoardChips({ pinId }: { pinId: string }) {
  const address = `/pins/${encodeURIComponent(pinId)}/boards`;
  const reply = useLoaded(address, (signal) => call<{ boards: readonly BoardSummary[] }>(address, { signal }));
  if (reply.kind !== 'there') return null;
  const { boards } = reply.value;
  if (boards.length === 0) return <p class="hint">On no board yet.</p>;
  return (
    <p class="row wrap" aria-label="Boards">
      {boards.map(({ id, title, pins }) => (
        <a class="chip board-chip" key={id} href={`/board/${encodeURIComponent(id)}`}>
          {title || id} <small>{pins}</small>
        </a>
      ))}
    </p>
  );
}
