import type { TargetedMouseEvent } from 'preact';
import { useState } from 'preact/hooks';
import { type Item, type ListReply, sendEvents, titleOf } from '../api.ts';
import { currentUser } from '../visitor.ts';
import { Masonry } from './masonry.tsx';
import { PinCard } from './pin-card.tsx';
import { SaveButton, SavesRefused, useSaves } from './saves.tsx';
import { SourceBadge } from './source-badge.tsx';
import { Why } from './why.tsx';

/** What was asked about a score, and the button that asked. */
interface Asked {
  readonly position: number;
  readonly against: boolean;
  readonly opener: HTMLElement;
}

/** A served list: cards in order with their sources; "why" on each; saving and opening send real events. */
export function RankedList({
  list,
  sendsEvents,
  before,
}: {
  list: ListReply;
  sendsEvents: boolean;
  before?: ReadonlyMap<string, number> | undefined;
}) {
  const [asked, setAsked] = useState<Asked | null>(null);
  const { recommendationId } = list;
  const saves = useSaves(recommendationId);
  const item = asked ? list.items.find((row) => row.position === asked.position) : undefined;
  const next = asked?.against ? (list.items.find((row) => row.position === asked.position + 1) ?? null) : null;
  const open = (row: Item): void => {
    if (sendsEvents) void sendEvents(currentUser(), recommendationId, 'closeup', [row]);
  };
  const close = (): void => {
    asked?.opener.focus();
    setAsked(null);
  };
  return (
    <>
      {item && <Why item={item} against={next} onClose={close} />}
      <Masonry minColumnPx={190}>
        {list.items.map((row) => (
          <PinCard
            key={row.pinId}
            pinId={row.pinId}
            title={titleOf(row)}
            href={`/pin/${encodeURIComponent(row.pinId)}`}
            from={sendsEvents ? { recommendationId, position: row.position } : undefined}
            onOpen={() => open(row)}
            marked={asked?.position === row.position}
            overlay={
              <>
                <span class="position">{row.position}</span>
                {before && <Moved from={before.get(row.pinId)} to={row.position} />}
                {sendsEvents && <SaveButton item={row} saves={saves} />}
              </>
            }
          >
            {row.sources.map((source) => (
              <SourceBadge key={source.name} name={source.name} score={source.score} />
            ))}
            {row.terms && row.terms.length > 0 && <Asks row={row} last={row.position >= list.items.length} onAsk={setAsked} />}
          </PinCard>
        ))}
      </Masonry>
      <SavesRefused saves={saves} />
    </>
  );
}

function Asks({ row, last, onAsk }: { row: Item; last: boolean; onAsk: (asked: Asked) => void }) {
  const name = `#${row.position} ${titleOf(row) || row.pinId}`;
  const ask = (against: boolean) => (event: TargetedMouseEvent<HTMLButtonElement>) =>
    onAsk({ position: row.position, against, opener: event.currentTarget });
  return (
    <span class="asks">
      <button type="button" class="link" aria-label={`Why ${name}`} onClick={ask(false)}>
        why
      </button>
      {!last && (
        <button type="button" class="link" title="Why above the next one" aria-label={`Why above next: ${name}`} onClick={ask(true)}>
          why above next
        </button>
      )}
    </span>
  );
}

/** How far an item moved against the list beside it. */
function Moved({ from, to }: { from: number | undefined; to: number }) {
  if (from === undefined) return <span class="moved new">new</span>;
  if (from === to) return <span class="moved same">=</span>;
  const up = from > to;
  return (
    <span class={`moved ${up ? 'up' : 'down'}`} title={`was at ${from}`}>
      {up ? '▲' : '▼'} {Math.abs(from - to)}
    </span>
  );
}
