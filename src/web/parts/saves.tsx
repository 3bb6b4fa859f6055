import { useState } from 'preact/hooks';
import { type Item, sendEvents, wantsKey } from '../api.ts';
import { currentUser } from '../visitor.ts';
import { nameOf } from '../words.ts';
import { Refusal, type Refused } from './refusal.tsx';

/** What became of a save: on its way, taken, or not taken. */
type Saving = { readonly kind: 'sending' } | { readonly kind: 'saved' } | ({ readonly kind: 'failed' } & Refused);

interface Saves {
  of(pinId: string): Saving | undefined;
  save(item: Item): void;
  /** Those that failed for want of a key. */
  readonly lacking: readonly Refused[];
}

/** The saves a visitor makes in a served list, each an event that the service has to take before it counts as saved. */
export function useSaves(recommendationId: string): Saves {
  const [savings, setSavings] = useState<ReadonlyMap<string, Saving>>(new Map());
  const note = (pinId: string, saving: Saving): void => setSavings((known) => new Map(known).set(pinId, saving));
  const save = (item: Item): void => {
    note(item.pinId, { kind: 'sending' });
    void sendEvents(currentUser(), recommendationId, 'save', [item]).then((error) =>
      note(item.pinId, error ? { kind: 'failed', error, again: () => save(item) } : { kind: 'saved' }),
    );
  };
  const lacking = [...savings.values()].flatMap((saving) => (saving.kind === 'failed' && wantsKey(saving.error) ? [saving] : []));
  return { of: (pinId) => savings.get(pinId), save, lacking };
}

const WORDS = { sending: 'Saving', saved: 'Saved', failed: 'Not saved' } as const;

export function SaveButton({ item, saves }: { item: Item; saves: Saves }) {
  const saving = saves.of(item.pinId);
  const word = saving ? WORDS[saving.kind] : 'Save';
  return (
    <button
      type="button"
      class={`save${saving ? ` ${saving.kind}` : ''}`}
      disabled={saving?.kind === 'saved'}
      title={saving?.kind === 'failed' ? saving.error.message : undefined}
      aria-label={`${word} ${nameOf(item)}`}
      onClick={() => saving?.kind !== 'sending' && saves.save(item)}
    >
      {word}
    </button>
  );
}

/** Under a list, in sight as long as the list is: asks for the key that saving needs, and saves again with it. */
export function SavesRefused({ saves: { lacking } }: { saves: Saves }) {
  if (lacking.length === 0) return null;
  const again = (): void => lacking.forEach((each) => each.again());
  return (
    <div class="list-notice">
      <Refusal error={lacking[0].error} again={again} />
    </div>
  );
}
