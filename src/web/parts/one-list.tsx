import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { type Item, type ListReply, sendEvents } from '../api.ts';
import type { Loaded } from '../load.ts';
import { currentUser } from '../visitor.ts';
import { RankedList } from './ranked-list.tsx';
import { Empty, Failure, Skeleton } from './states.tsx';

/** What a list had to do without, for people. */
const MISSING: Readonly<Record<string, string>> = {
  boards: 'on no board yet',
  image: 'no picture',
  'visual-features': 'picture not read yet',
  vectors: 'no vector yet',
  history: 'nothing to go by yet',
};

function missingText(name: string): string {
  return MISSING[name] ?? `missing: ${name}`;
}

/** A served list under its title: what it is, who ordered it, what was missing, and its cards. Seeing it is sent as impressions. */
export function OneList({
  reply,
  title,
  sendsEvents,
  before,
  onUnlike,
  children,
  nothing = 'No board, picture or word leads from here to another pin yet.',
}: {
  reply: Loaded<ListReply>;
  title: string;
  sendsEvents: boolean;
  before?: ReadonlyMap<string, number>;
  /** Asks for less of an item's kind. */
  onUnlike?: (item: Item) => void;
  /** Said under how the list was made. */
  children?: ComponentChildren;
  /** Said where the list is empty. */
  nothing?: string;
}) {
  const list = reply.kind === 'there' ? reply.value : null;
  useEffect(() => {
    if (list && sendsEvents) void sendEvents(currentUser(), list.recommendationId, 'impression', list.items);
  }, [list, sendsEvents]);
  return (
    <section class="related" aria-label={title}>
      <div class="row wrap related-head">
        <h2>{title}</h2>
        {list && <HowMade list={list}>{children}</HowMade>}
      </div>
      {reply.kind === 'failed' && <Failure error={reply.error} retry={reply.retry} />}
      {reply.kind === 'loading' && <Skeleton count={10} />}
      {list && (
        <>
          <Lacks list={list} />
          {list.items.length === 0 ? (
            <Empty title="Nothing to show next">{nothing}</Empty>
          ) : (
            <RankedList list={list} sendsEvents={sendsEvents} before={before} onUnlike={onUnlike} />
          )}
        </>
      )}
    </section>
  );
}

/** Who ordered a list, folded away: visitors look at pins. */
function HowMade({ list, children }: { list: ListReply; children?: ComponentChildren }) {
  return (
    <details class="how-made">
      <summary>how this list was made</summary>
      <p>
        Ordered by the model <b>{list.modelVersion}</b>
        {list.arm && (
          <>
            , arm <b>{list.arm}</b>
          </>
        )}
        . Recommendation <code>{list.recommendationId}</code>
      </p>
      {children}
    </details>
  );
}

/** What the list had to do without: always in sight. */
function Lacks({ list: { missing, degraded } }: { list: ListReply }) {
  if (missing.length + degraded.length === 0) return null;
  return (
    <p class="row wrap served">
      {missing.length > 0 && <span class="badge warn">{missing.map(missingText).join(', ')}</span>}
      {degraded.map((row) => (
        <span class="badge warn" key={row.code} title={row.reason}>
          degraded: {row.code}
        </span>
      ))}
    </p>
  );
}
