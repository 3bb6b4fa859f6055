import type { TargetedMouseEvent } from 'preact';
import { useState } from 'preact/hooks';
import { type Item, type ListReply, sendEvents } from '../api.ts';
import { currentUser } from '../visitor.ts';
import { nameOf, titleOf } from '../words.ts';
import { HiddenCard, HideMenu, useHides } from './hides.tsx';
import { Masonry } from './masonry.tsx';
import { PinCard } from './pin-card.tsx';
import { SaveButton, SavesRefused, useSaves } from './saves.tsx';
import { Why } from './why.tsx';

/** The item whose score was asked about, and the button that asked. */
interface Asked {
  readonly position: number;
  readonly opener: HTMLElement;
}

/** A served list: cards in order; one small button on each says why; saving and opening send real events. */
export function RankedList({
  list,
  sendsEvents,
  before,
  onUnlike,
}: {
  list: ListReply;
  sendsEvents: boolean;
  before?: ReadonlyMap<string, number> | undefined;
  /** Asks for less of an item's kind; absent: the list cannot be asked. */
  onUnlike?: ((item: Item) => void) | undefined;
}) {
  const [asked, setAsked] = useState<Asked | null>(null);
  const { recommendationId, items } = list;
  const saves = useSaves(recommendationId);
  const hides = useHides(recommendationId);
  const at = asked ? items.findIndex((row) => row.position === asked.position) : -1;
  const open = (row: Item): void => {
    if (sendsEvents) void sendEvents(currentUser(), recommendationId, 'closeup', [row]);
  };
  const close = (): void => {
    asked?.opener.focus();
    setAsked(null);
  };
  return (
    <>
      {at >= 0 && <Why key={items[at].pinId} item={items[at]} next={items[at + 1] ?? null} onClose={close} />}
      <Masonry minColumnPx={190}>
        {items.map((row) => {
          const hiding = hides.of(row.pinId);
          if (hiding) return <HiddenCard key={row.pinId} item={row} hides={hides} hiding={hiding} />;
          return (
            <PinCard
              key={row.pinId}
              pinId={row.pinId}
              title={titleOf(row)}
              price={priceOf(row)}
              href={`/pin/${encodeURIComponent(row.pinId)}`}
              from={sendsEvents ? { recommendationId, position: row.position } : undefined}
              onOpen={() => open(row)}
              marked={asked?.position === row.position}
              overlay={
                <>
                  {before && <span class="position">{row.position}</span>}
                  {before && <Moved from={before.get(row.pinId)} to={row.position} />}
                  {row.terms && row.terms.length > 0 && <Ask row={row} onAsk={setAsked} />}
                  {sendsEvents && <SaveButton item={row} saves={saves} />}
                  {sendsEvents && <HideMenu item={row} hides={hides} onUnlike={onUnlike} />}
                </>
              }
            />
          );
        })}
      </Masonry>
      <SavesRefused saves={saves} />
    </>
  );
}

function priceOf({ fields }: Item): string | undefined {
  const price = fields?.price;
  return price === null || price === undefined ? undefined : String(price);
}

function Ask({ row, onAsk }: { row: Item; onAsk: (asked: Asked) => void }) {
  const ask = (event: TargetedMouseEvent<HTMLButtonElement>): void => onAsk({ position: row.position, opener: event.currentTarget });
  return (
    <button type="button" class="ask" title="Why this pin?" aria-label={`Why #${row.position} ${nameOf(row)}`} onClick={ask}>
      i
    </button>
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
