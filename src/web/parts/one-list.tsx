import { useEffect } from 'preact/hooks';
import { type ListReply, sendEvents } from '../api.ts';
import type { Loaded } from '../load.ts';
import { currentUser } from '../visitor.ts';
import { RankedList } from './ranked-list.tsx';
import { Empty, Failure, Skeleton } from './states.tsx';

/** What a list had to do without, for people. */
const MISSING: Readonly<Record<string, string>> = {
  boards: 'on no board yet',
  image: 'no picture',
  'visual-features': 'picture not read yet',
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
  nothing = 'No board, picture or word leads from here to another pin yet.',
}: {
  reply: Loaded<ListReply>;
  title: string;
  sendsEvents: boolean;
  before?: ReadonlyMap<string, number>;
  /** Said where the list is empty. */
  nothing?: string;
}) {
  const list = reply.kind === 'there' ? reply.value : null;
  useEffect(() => {
    if (list && sendsEvents) void sendEvents(currentUser(), list.recommendationId, 'impression', list.items);
  }, [list, sendsEvents]);
  return (
    <section class="related" aria-label={title}>
      <h2>{title}</h2>
      {reply.kind === 'failed' && <Failure error={reply.error} retry={reply.retry} />}
      {reply.kind === 'loading' && <Skeleton count={10} />}
      {list && (
        <>
          <p class="served">
            model <b>{list.modelVersion}</b>
            {list.arm && (
              <>
                {' '}
                · arm <b>{list.arm}</b>
              </>
            )}{' '}
            · <code title="recommendation id">{list.recommendationId.slice(0, 13)}…</code>
            {list.missing.length > 0 && <span class="badge warn">{list.missing.map(missingText).join(', ')}</span>}
            {list.degraded.map((row) => (
              <span class="badge warn" key={row.code} title={row.reason}>
                degraded: {row.code}
              </span>
            ))}
          </p>
          {list.items.length === 0 ? (
            <Empty title="Nothing to show next">{nothing}</Empty>
          ) : (
            <RankedList list={list} sendsEvents={sendsEvents} before={before} />
          )}
        </>
      )}
    </section>
  );
}
