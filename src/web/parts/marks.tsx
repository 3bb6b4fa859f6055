import { call, type MarksReply, type ObjectsReply } from '../api.ts';
import { useLoaded } from '../load.ts';

type Mark = NonNullable<ObjectsReply['marks']>[number];
type TaughtMark = MarksReply['marks'][number];

/** The condition of requests that asks for a mark. */
export const markFilter = (label: string): string => `mark=${label}`;

/** Taught marks that pins show; none while they load, or where none was taught. */
export function useMarks(): readonly TaughtMark[] {
  const marks = useLoaded('marks', (signal) => call<MarksReply>('/marks', { signal }));
  return marks.kind === 'there' ? marks.value.marks.filter(({ pins }) => pins > 0) : [];
}

/** What a mark's score says, in words. */
export function markTitle({ label, score }: Pick<Mark, 'label' | 'score'>): string {
  return `mark ${label}, ${(100 * score).toFixed(0)} of 100; 50 is just sure enough`;
}

/** The marks of one picture, each label once; each leads to all pins that show it. */
export function MarkLinks({ marks }: { marks: readonly Mark[] }) {
  return (
    <>
      {marks
        .filter(({ label }, at) => marks.findIndex((other) => other.label === label) === at)
        .map((mark) => (
          <a
            class="term-chip mark-chip"
            key={mark.label}
            href={`/?mark=${encodeURIComponent(mark.label)}`}
            title={`All pins with the ${markTitle(mark)}`}
          >
            {mark.label} <small>mark, {(100 * mark.score).toFixed(0)}</small>
          </a>
        ))}
    </>
  );
}

/** Asks for pins that show a mark; pressed again, it asks for all. */
export function MarkChips({ chosen, onChoose }: { chosen: string | null; onChoose: (label: string | null) => void }) {
  const marks = useMarks();
  if (marks.length === 0) return null;
  return (
    <div class="chips marks" role="group" aria-label="Only pins that show a mark">
      <span aria-hidden="true">Marks</span>
      {marks.map(({ label, pins }) => (
        <button
          type="button"
          key={label}
          class={`chip mark-chip${label === chosen ? ' on' : ''}`}
          aria-pressed={label === chosen}
          onClick={() => onChoose(label === chosen ? null : label)}
        >
          {label} <small>{pins}</small>
        </button>
      ))}
    </div>
  );
}
