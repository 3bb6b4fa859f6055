import type { TargetedFocusEvent } from 'preact';
import { useState } from 'preact/hooks';
import { type Item, sendEvents } from '../api.ts';
import { currentUser } from '../visitor.ts';
import { nameOf } from '../words.ts';
import { Refusal } from './refusal.tsx';

/** What became of hiding a pin, or of taking it back. */
type Hiding = { readonly kind: 'sending' | 'hidden' } | { readonly kind: 'failed'; readonly error: Error; readonly again: () => void };

interface Hides {
  of(pinId: string): Hiding | undefined;
  hide(item: Item, reason?: string): void;
  undo(item: Item): void;
}

/** The pins a visitor hides in a served list, each an event that the service has to take before it counts as hidden. */
export function useHides(recommendationId: string): Hides {
  const [hidings, setHidings] = useState<ReadonlyMap<string, Hiding>>(new Map());
  const note = (pinId: string, hiding: Hiding | null): void =>
    setHidings((known) => {
      const next = new Map(known);
      if (hiding) next.set(pinId, hiding);
      else next.delete(pinId);
      return next;
    });
  const send = (item: Item, type: 'hide' | 'unhide', reason?: string): void => {
    note(item.pinId, { kind: 'sending' });
    void sendEvents(currentUser(), recommendationId, type, [item], reason).then((error) => {
      if (error) note(item.pinId, { kind: 'failed', error, again: () => send(item, type, reason) });
      else note(item.pinId, type === 'hide' ? { kind: 'hidden' } : null);
    });
  };
  return {
    of: (pinId) => hidings.get(pinId),
    hide: (item, reason) => send(item, 'hide', reason),
    undo: (item) => send(item, 'unhide'),
  };
}

/** What the menu of a card offers: what it says, and the reason it sends. */
const CHOICES = [
  ['Hide this pin', undefined],
  ['Hide: not for me', 'not for me'],
  ['Hide: too much like others', 'too much like others'],
  ['Hide: a poor picture', 'poor picture'],
] as const;

/** The small menu on a card. It closes when the focus leaves it, and with Escape. `onUnlike`: where the list can be asked for less of its kind. */
export function HideMenu({ item, hides, onUnlike }: { item: Item; hides: Hides; onUnlike?: ((item: Item) => void) | undefined }) {
  const close = ({ currentTarget, relatedTarget }: TargetedFocusEvent<HTMLDetailsElement>): void => {
    if (!currentTarget.contains(relatedTarget as Node | null)) currentTarget.open = false;
  };
  return (
    <details
      class="card-menu"
      onFocusOut={close}
      onKeyDown={(event) => {
        if (event.key === 'Escape') event.currentTarget.open = false;
      }}
    >
      <summary aria-label={`More for ${nameOf(item)}`} title="More">
        <span aria-hidden="true">...</span>
      </summary>
      <div class="card-menu-choices">
        {onUnlike && (
          <button type="button" onClick={() => onUnlike(item)}>
            Less like this
          </button>
        )}
        {CHOICES.map(([text, reason]) => (
          <button key={text} type="button" onClick={() => hides.hide(item, reason)}>
            {text}
          </button>
        ))}
      </div>
    </details>
  );
}

/** Stands where a hidden card stood, with the way back. */
export function HiddenCard({ item, hides, hiding }: { item: Item; hides: Hides; hiding: Hiding }) {
  return (
    <article class="card hidden-card" data-hidden={item.pinId}>
      {hiding.kind === 'failed' ? (
        <Refusal error={hiding.error} again={hiding.again} />
      ) : (
        <>
          <p>{hiding.kind === 'sending' ? 'Telling the service' : 'You will not see this pin, nor its twins, in your lists.'}</p>
          <button
            type="button"
            ref={(button) => button?.focus({ preventScroll: true })}
            disabled={hiding.kind === 'sending'}
            aria-label={`Show ${nameOf(item)} again`}
            onClick={() => hides.undo(item)}
          >
            Undo
          </button>
        </>
      )}
    </article>
  );
}
