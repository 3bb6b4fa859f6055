import { type Box, sendEvents, type VisualReply } from '../api.ts';
import { currentUser } from '../visitor.ts';
import { counted } from '../words.ts';
import { Masonry } from './masonry.tsx';
import { MatchShape } from './match-box.tsx';
import { PinCard } from './pin-card.tsx';
import type { RegionSearch } from './region-search.ts';
import { SaveButton, SavesRefused, useSaves } from './saves.tsx';
import { Empty, Failure, MoreFailed, Skeleton } from './states.tsx';

/**
 * What a region's search found: colours, terms to narrow by, and the pins; for Shop the Look one shelf per object. Only the
 * count is read out: with every move of the box the list is another.
 */
export function RegionResults({
  search,
  terms,
  onTerms,
  onPoint,
  held,
}: {
  search: RegionSearch;
  terms: readonly string[];
  onTerms: (terms: readonly string[]) => void;
  /** Told which object a shelf is for while it is pointed at. */
  onPoint: (box: Box | null) => void;
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
        {reply && !error && countOf(reply)}
      </p>
      {error && <Failure error={error} retry={retry} />}
      {!error && !reply && <Skeleton count={8} />}
      {!error && reply && (
        <div class={`results${busy ? ' busy' : ''}`} aria-busy={busy} onPointerDown={hold}>
          <Terms reply={reply} terms={terms} onTerms={onTerms} />
          <Found reply={reply} search={search} onPoint={onPoint} />
        </div>
      )}
    </>
  );
}

function countOf({ items, nextCursor }: VisualReply): string {
  return nextCursor === null ? `${counted(items.length, 'pin')} found` : `${items.length.toLocaleString('en')} pins found, and more`;
}

function Found({
  reply,
  search: { more, moreError },
  onPoint,
}: {
  reply: VisualReply;
  search: RegionSearch;
  onPoint: (box: Box | null) => void;
}) {
  return (
    <>
      {reply.items.some(({ match }) => match) && (
        <p class="served">The same thing, framed where it is: its key points agree in both pictures.</p>
      )}
      {reply.exactProduct && !reply.items.some(({ match }) => match) && (
        <p class="served">
          Only what is the same product: nearer than {reply.exactProduct.distanceMax} bits, right in{' '}
          {(100 * reply.exactProduct.precision).toFixed(0)} % of cases.
        </p>
      )}
      {reply.items.length === 0 &&
        (reply.look ? (
          <Empty title="Nothing to buy here">
            {reply.modes.includes('shop-the-look') ? 'No pin that is marked buyable looks like this.' : 'No pin here is marked buyable.'}
          </Empty>
        ) : (
          <Empty title="Nothing like this">Try a larger box, or fewer terms.</Empty>
        ))}
      {reply.look ? (
        <Shelves reply={reply} onPoint={onPoint} />
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
function Shelves({ reply, onPoint }: { reply: VisualReply; onPoint: (box: Box | null) => void }) {
  const names = numbered((reply.look ?? []).map(({ label }) => label));
  let from = 0;
  return (
    <>
      {(reply.look ?? []).map((part, at) => {
        const items = reply.items.slice(from, from + part.count);
        from += part.count;
        return (
          <section
            class="shelf"
            key={at}
            aria-label={names[at] || 'this region'}
            onPointerEnter={() => onPoint(part.box)}
            onPointerLeave={() => onPoint(null)}
            onFocusCapture={() => onPoint(part.box)}
            onBlurCapture={() => onPoint(null)}
          >
            <h2>
              {part.completes ? 'Goes with it: ' : ''}
              {names[at] || 'In this box'}
            </h2>
            <Cards reply={reply} items={items} onEnd={null} />
          </section>
        );
      })}
    </>
  );
}

/** "chair, chair, lamp" is "chair 1, chair 2, lamp". */
function numbered(labels: readonly string[]): readonly string[] {
  return labels.map((label, at) => {
    const same = labels.filter((other) => other === label).length;
    if (same === 1 || label === '') return label;
    return `${label} ${labels.slice(0, at + 1).filter((other) => other === label).length}`;
  });
}

function Cards({ reply, items, onEnd }: { reply: VisualReply; items: VisualReply['items']; onEnd: (() => void) | null }) {
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
            pictured={item.match && <MatchShape corners={item.match.result} extent={item.match.extent} />}
          >
            {item.match && <span class="badge">{item.match.inliers} points agree</span>}
            {item.likeness && <span class="badge">{item.likeness}</span>}
          </PinCard>
        ))}
      </Masonry>
      <SavesRefused saves={saves} />
    </>
  );
}
