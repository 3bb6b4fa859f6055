import { useState } from 'preact/hooks';
import { type Item, type ListReply, sendEvents } from '../api.ts';
import { currentUser } from '../visitor.ts';
import { Masonry } from './masonry.tsx';
import { PinCard } from './pin-card.tsx';
import { SourceBadge } from './source-badge.tsx';
import { Why } from './why.tsx';

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
  const [asked, setAsked] = useState<{ readonly position: number; readonly against: boolean } | null>(null);
  const [saved, setSaved] = useState<ReadonlySet<string>>(new Set());
  const item = asked ? list.items.find((row) => row.position === asked.position) : undefined;
  const next = asked?.against ? (list.items.find((row) => row.position === asked.position + 1) ?? null) : null;
  const act = (type: 'closeup' | 'click' | 'save', row: Item): void => {
    if (sendsEvents) void sendEvents(currentUser(), list.recommendationId, type, [row]);
  };
  const save = (row: Item): void => {
    setSaved(new Set([...saved, row.pinId]));
    act('save', row);
  };
  return (
    <>
      {item && <Why item={item} against={next} onClose={() => setAsked(null)} />}
      <Masonry minColumnPx={190}>
        {list.items.map((row) => (
          <PinCard
            key={row.pinId}
            pinId={row.pinId}
            title={row.title}
            href={`/pin/${encodeURIComponent(row.pinId)}`}
            onOpen={() => act('closeup', row)}
            marked={asked?.position === row.position}
            overlay={
              <>
                <span class="position">{row.position}</span>
                {before && <Moved from={before.get(row.pinId)} to={row.position} />}
                {sendsEvents && (
                  <button type="button" class="save" disabled={saved.has(row.pinId)} onClick={() => save(row)}>
                    {saved.has(row.pinId) ? 'Saved' : 'Save'}
                  </button>
                )}
              </>
            }
          >
            {row.sources.map((source) => (
              <SourceBadge key={source.name} name={source.name} score={source.score} />
            ))}
            {row.terms && row.terms.length > 0 && (
              <span class="asks">
                <button type="button" class="link" onClick={() => setAsked({ position: row.position, against: false })}>
                  why
                </button>
                {row.position < list.items.length && (
                  <button
                    type="button"
                    class="link"
                    title="Why above the next one"
                    onClick={() => setAsked({ position: row.position, against: true })}
                  >
                    why above next
                  </button>
                )}
              </span>
            )}
          </PinCard>
        ))}
      </Masonry>
    </>
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
