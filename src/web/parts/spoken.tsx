import type { PinObject } from '../api.ts';

/** What the visual net calls something, and the share of labelled photos, called so as surely, that showed it. */
interface SeenWord {
  readonly word: string;
  readonly confidence: number;
}

/** Dots less sure than this are shown without a word. */
const NAMED_MIN = 0.5;

/** What a dot is called: its detector's label, else the net's surest word, each only when at least as likely right as wrong. */
export function dotName({ label, score, words = [] }: Pick<PinObject, 'label' | 'score' | 'words'>): string | null {
  if (label && score >= NAMED_MIN) return label;
  return words.find(({ confidence }) => confidence >= NAMED_MIN)?.word ?? null;
}

/** What the net says a picture shows, each word with how sure it is. */
export function SeenWords({ words }: { words: readonly SeenWord[] }) {
  return (
    <>
      {words.map(({ word, confidence }) => (
        <a
          class="term-chip"
          key={word}
          href={`/?q=${encodeURIComponent(word)}`}
          title={`Seen in the picture; of labelled photos called so as surely, ${percent(confidence)} showed it`}
        >
          {word} <small>{percent(confidence)}</small>
        </a>
      ))}
    </>
  );
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}
