import { type Item, sendEvents, type VisualReply } from '../api.ts';
import { currentUser } from '../visitor.ts';
import { Masonry } from './masonry.tsx';
import { PinCard } from './pin-card.tsx';
import type { RegionSearch } from './region-search.ts';
import { SaveButton, SavesRefused, useSaves } from './saves.tsx';
import { SourceBadge } from './source-badge.tsx';
import { Empty, Failure, MoreFailed, Skeleton } from './states.tsx';

/**
 * What a region's search found: colours, terms to narrow by, and the pins; for Shop the Look one shelf per object. Only the
 * count is read out: with every move of the box the list is another.
 */
export function RegionResults({
  search,
  terms,
  onTerms,
  held,
}: {
  search: RegionSearch;
  terms: readonly string[];
  onTerms: (terms: readonly string[]) => void;
  held: { current: boolean };
}) {
  const { reply, error, busy, retry } = search;
  const hold = (): void => {
    held.current = true;
    const free = (): void => {
      held.current = false;
    };
    addEventListener('pointerup', free, { once: true });
    addEventListener('pointercancel', free, { once: true });
  };
  return (
    <>
      <p class="found" role="status">
        {reply && !error && countOf(reply.items)}
      </p>
      {error && <Failure error={error} retry={retry} />}
      {!error && !reply && <Skeleton count={8} />}
      {!error && reply && (
        <div class={`results${busy ? ' busy' : ''}`} aria-busy={busy} onPointerDown={hold}>
          <Terms reply={reply} terms={terms} onTerms={onTerms} />
          <Found reply={reply} search={search} />
        </div>
      )}
    </>
  );
}

function countOf({ length }: readonly Item[]): string {
  return length === 1 ? '1 pin found' : `${length} pins found`;
}

function Found({ reply, search: { more, moreError } }: { reply: VisualReply; search: RegionSearch }) {
  return (
    <>
      {reply.exactProduct && (
        <p class="served">
          Only what is the same product: nearer than {reply.exactProduct.distanceMax} bits, right in{' '}
          {(100 * reply.exactProduct.precision).toFixed(0)} % of cases.
        </p>
      )}
      {reply.items.length === 0 && <Empty title="Nothing like this">Try a larger box, or fewer terms.</Empty>}
      {reply.look ? (
        <Shelves reply={reply} />
      ) : (
        <Cards reply={reply} items={reply.items} onEnd={reply.nextCursor && !moreError ? more : null} />
      )}
      {moreError && <MoreFailed error={moreError} retry={more} />}
    </>
  );
}

function Terms({ reply, terms, onTerms }: { reply: VisualReply; terms: readonly string[]; onTerms: (terms: readonly string[]) => void }) {
  const found = reply.annotations.map(({ term }) => term).filter((term) => !terms.includes(term));
  return (
    <div class="row wrap narrow-by">
      {reply.colours.map(({ hex, share }) => (
        <span key={hex} class="swatch" style={{ background: hex }} title={`${hex}, ${(100 * share).toFixed(0)} %`} />
      ))}
      {reply.category && <span class="chip on">{reply.category}</span>}
      {terms.map((term) => (
        <button
          type="button"
          key={term}
          class="term-chip on"
          aria-pressed={true}
          onClick={() => onTerms(terms.filter((known) => known !== term))}
        >
          {term} <span aria-hidden="true">×</span>
        </button>
      ))}
      {found.slice(0, 14).map((term) => (
        <button type="button" key={term} class="term-chip" aria-pressed={false} onClick={() => onTerms([...terms, term])}>
          {term}
        </button>
      ))}
    </div>
  );
}

/** One shelf per object of the look, those that complete it last. */
function Shelves({ reply }: { reply: VisualReply }) {
  let from = 0;
  return (
    <>
      {(reply.look ?? []).map((part, at) => {
        const items = reply.items.slice(from, from + part.count);
        from += part.count;
        return (
          <section class="shelf" key={at} aria-label={part.label || 'this region'}>
            <h2>
              {part.completes ? 'Goes with it: ' : ''}
              {part.label || 'In this box'}
            </h2>
            <Cards reply={reply} items={items} onEnd={null} />
          </section>
        );
      })}
    </>
  );
}

function Cards({ reply, items, onEnd }: { reply: VisualReply; items: readonly Item[]; onEnd: (() => void) | null }) {
  const { recommendationId } = reply;
  const saves = useSaves(recommendationId);
  return (
    <>
      <Masonry minColumnPx={150} onEnd={onEnd}>
        {items.map((item) => (
          <PinCard
            key={item.pinId}
            pinId={item.pinId}
            title={item.title}
            href={`/pin/${encodeURIComponent(item.pinId)}`}
            from={{ recommendationId, position: item.position }}
            onOpen={() => void sendEvents(currentUser(), recommendationId, 'click', [item])}
            overlay={<SaveButton item={item} saves={saves} />}
          >
            {item.sources.map((source) => (
              <SourceBadge key={source.name} name={source.name} score={source.score} />
            ))}
            {item.distance !== undefined && <small title="bits that differ">{item.distance} bits apart</small>}
          </PinCard>
        ))}
      </Masonry>
      <SavesRefused saves={saves} />
    </>
  );
}
