import { useEffect, useRef, useState } from 'preact/hooks';
import type { BlindTask, NextTask, StudyList } from '../../api/experiment-schemas.ts';
import { asError, call, post } from '../api.ts';
import { isCommand } from '../keyboard.ts';
import { useLoaded } from '../load.ts';
import { PinImage } from '../parts/pin-image.tsx';
import { Empty, Failure, Skeleton } from '../parts/states.tsx';
import { Table } from '../parts/table.tsx';
import { useTitle } from '../title.ts';
import { currentUser } from '../visitor.ts';

const GRADES = ['no relation', 'weak', 'fair', 'good', 'just what I want next'];

const PAIR_KEYS: Readonly<Record<string, number>> = { ArrowLeft: -1, ArrowDown: 0, ArrowRight: 1 };

/** Blind side-by-side judging: nothing tells the two orderings apart; the keyboard answers. */
export function Judge({ study }: { study: string }) {
  return study === '' ? <Studies /> : <Judging study={study} />;
}

function Studies() {
  useTitle('Judgements');
  const list = useLoaded('judgements', (signal) => call<StudyList>('/judgements', { signal }));
  if (list.kind === 'failed') return <Failure error={list.error} retry={list.retry} />;
  if (list.kind === 'loading') return <Skeleton count={3} />;
  if (list.value.studies.length === 0)
    return (
      <>
        <h1>Judgements</h1>
        <Empty title="No studies yet">
          Make one with <code>related-pins start-study --study NAME --a TREATMENT --b TREATMENT</code>.
        </Empty>
      </>
    );
  const share = (value: number | null): string => (value === null ? '–' : value.toFixed(2));
  return (
    <>
      <h1>Judgements</h1>
      <section class="panel">
        <Table
          columns={[
            { head: 'study', cell: ({ study }) => <a href={`/judge/${encodeURIComponent(study)}`}>{study}</a> },
            { head: 'judgements', cell: ({ judgements, tasks }) => `${judgements} of ${tasks}` },
            { head: 'judges', cell: ({ judges }) => judges },
            { head: 'prefer the second', cell: ({ preferenceForB }) => share(preferenceForB) },
            { head: "agreement (Krippendorff's alpha)", cell: ({ agreement }) => share(agreement) },
            { head: 'with oneself', cell: ({ selfAgreement }) => share(selfAgreement) },
          ]}
          rows={list.value.studies}
          keyOf={({ study }) => study}
        />
      </section>
    </>
  );
}

function Judging({ study }: { study: string }) {
  useTitle(`Judging ${study}`);
  const judge = currentUser();
  const address = `/judgements/${encodeURIComponent(study)}`;
  const first = useLoaded(address, (signal) => call<NextTask>(`${address}/next?judge=${encodeURIComponent(judge)}`, { signal }));
  const [task, setTask] = useState<BlindTask | null | undefined>(undefined);
  const [error, setError] = useState<Error | null>(null);
  const [before, setBefore] = useState<BlindTask | null>(null);
  useEffect(() => {
    if (first.kind === 'there') setTask(first.value.task);
  }, [first]);
  /** The task that may be answered now: none while an answer is on its way or was refused, so that a fast key never answers twice. */
  const open = useRef<BlindTask | null>(null);
  open.current = error ? null : (task ?? null);
  const last = useRef<BlindTask | null>(null);
  last.current = error ? null : before;
  const answer = (value: number): void => {
    const answered = open.current;
    if (!answered) return;
    open.current = null;
    post<NextTask>(address, { taskId: answered.taskId, judge, answer: value })
      .then((reply) => {
        setBefore(answered);
        setTask(reply.task);
      })
      .catch((failure: unknown) => setError(asError(failure)));
  };
  /** Shows the last task again; its new answer replaces the old one. */
  const back = (): void => {
    setTask(last.current);
    setBefore(null);
  };
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (!isCommand(event)) return;
      if (event.key === 'Backspace' && last.current) return back();
      const value = answerOf(event.key, open.current);
      if (value === null) return;
      event.preventDefault();
      answer(value);
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, [address]);
  if (first.kind === 'failed') return <Failure error={first.error} retry={first.retry} />;
  if (error) return <Failure error={error} retry={() => setError(null)} />;
  if (task === undefined) return <Skeleton count={6} />;
  if (task === null) return <Empty title="All judged">Thank you. Nothing is left for you in this study.</Empty>;
  return (
    <div class="judge">
      <Heading task={task} onBack={before && back} />
      <Shown task={task} />
      <Answers kind={task.kind} onAnswer={answer} />
    </div>
  );
}

function Heading({ task, onBack }: { task: BlindTask; onBack: (() => void) | null }) {
  return (
    <header class="row page-head">
      <h1>{task.kind === 'pair' ? 'Which list would you rather see next?' : 'Would you want to see this next?'}</h1>
      <div class="row">
        <small>
          {Math.min(task.done + 1, task.total)} of {task.total}
        </small>
        {onBack && (
          <button type="button" onClick={onBack}>
            ⌫ back
          </button>
        )}
      </div>
    </header>
  );
}

function Shown({ task }: { task: BlindTask }) {
  if (task.kind !== 'pair')
    return (
      <div class="judge-one">
        <figure>
          <PinImage pinId={task.queryPinId} widthPx={320} alt="The pin being looked at" />
          <figcaption>looking at</figcaption>
        </figure>
        <figure>
          <PinImage pinId={task.left[0]} widthPx={320} alt="The pin to grade" />
          <figcaption>next?</figcaption>
        </figure>
      </div>
    );
  return (
    <>
      <PinImage class="judge-query" pinId={task.queryPinId} widthPx={320} alt="The pin being looked at" />
      <div class="side-by-side">
        <Side name="Left list" pins={task.left} />
        <Side name="Right list" pins={task.right} />
      </div>
    </>
  );
}

function Answers({ kind, onAnswer }: { kind: BlindTask['kind']; onAnswer: (value: number) => void }) {
  return (
    <div class="row judge-answers">
      {kind === 'pair' ? (
        <>
          <button type="button" onClick={() => onAnswer(-1)}>
            ← left
          </button>
          <button type="button" onClick={() => onAnswer(0)}>
            ↓ no difference
          </button>
          <button type="button" onClick={() => onAnswer(1)}>
            right →
          </button>
        </>
      ) : (
        GRADES.map((name, grade) => (
          <button type="button" key={name} onClick={() => onAnswer(grade)}>
            {grade} {name}
          </button>
        ))
      )}
    </div>
  );
}

/** Arrows compare, digits grade. */
function answerOf(key: string, task: BlindTask | null): number | null {
  if (task?.kind === 'grade') return /^[0-4]$/.test(key) ? Number(key) : null;
  return task ? (PAIR_KEYS[key] ?? null) : null;
}

function Side({ name, pins }: { name: string; pins: readonly string[] }) {
  return (
    <div class="judge-side" role="group" aria-label={name}>
      {pins.map((pinId) => (
        <PinImage key={pinId} pinId={pinId} widthPx={200} alt="" />
      ))}
    </div>
  );
}
