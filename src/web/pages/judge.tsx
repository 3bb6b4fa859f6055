import { useEffect, useState } from 'preact/hooks';
import { call, imageAddress, post } from '../api.ts';
import { useLoaded } from '../load.ts';
import { Empty, Failure, Skeleton } from '../parts/states.tsx';
import { currentUser } from '../visitor.ts';

interface Task {
  readonly taskId: string;
  readonly kind: 'pair' | 'grade';
  readonly queryPinId: string;
  readonly left: readonly string[];
  readonly right: readonly string[];
  readonly done: number;
  readonly total: number;
}

interface Study {
  readonly study: string;
  readonly kind: string;
  readonly tasks: number;
  readonly judgements: number;
  readonly judges: number;
  readonly preferenceForB: number | null;
  readonly agreement: number | null;
  readonly selfAgreement: number | null;
}

const PAIR_KEYS: Readonly<Record<string, number>> = { ArrowLeft: -1, ArrowDown: 0, ArrowRight: 1 };

/** Blind side-by-side judging: nothing tells the two orderings apart; the keyboard answers. */
export function Judge({ study }: { study: string }) {
  return study === '' ? <Studies /> : <Judging study={study} />;
}

function Studies() {
  const list = useLoaded('judgements', (signal) => call<{ studies: readonly Study[] }>('/judgements', { signal }));
  if (list.kind === 'failed') return <Failure error={list.error} retry={list.retry} />;
  if (list.kind === 'loading') return <Skeleton count={3} />;
  if (list.value.studies.length === 0)
    return <Empty title="No studies yet">A study lays two treatments' lists side by side for people to judge.</Empty>;
  const share = (value: number | null): string => (value === null ? '–' : value.toFixed(2));
  return (
    <main>
      <h1>Judgements</h1>
      <section class="panel">
        <table>
          <thead>
            <tr>
              {[
                'study',
                'judgements',
                'judges',
                'prefer the second',
                "agreement (Krippendorff's alpha)",
                'with oneself',
              ].map((name) => (
                <th key={name}>{name}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {list.value.studies.map((row) => (
              <tr key={row.study}>
                <td>
                  <a href={`/judge/${encodeURIComponent(row.study)}`}>{row.study}</a>
                </td>
                <td>
                  {row.judgements} of {row.tasks}
                </td>
                <td>{row.judges}</td>
                <td>{share(row.preferenceForB)}</td>
                <td>{share(row.agreement)}</td>
                <td>{share(row.selfAgreement)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </main>
  );
}

function Judging({ study }: { study: string }) {
  const judge = currentUser();
  const address = `/judgements/${encodeURIComponent(study)}`;
  const first = useLoaded(address, (signal) =>
    call<{ task: Task | null }>(`${address}/next?judge=${encodeURIComponent(judge)}`, { signal }),
  );
  const [task, setTask] = useState<Task | null | undefined>(undefined);
  const [error, setError] = useState<Error | null>(null);
  useEffect(() => {
    if (first.kind === 'there') setTask(first.value.task);
  }, [first]);
  const answer = (value: number): void => {
    if (!task) return;
    post<{ task: Task | null }>(address, { taskId: task.taskId, judge, answer: value })
      .then((reply) => setTask(reply.task))
      .catch((failure: unknown) => setError(failure instanceof Error ? failure : new Error(String(failure))));
  };
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      const value = task?.kind === 'grade' && /^[0-4]$/.test(event.key) ? Number(event.key) : PAIR_KEYS[event.key];
      if (task && value !== undefined) {
        event.preventDefault();
        answer(value);
      }
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, [task]);
  if (first.kind === 'failed') return <Failure error={first.error} retry={first.retry} />;
  if (error) return <Failure error={error} />;
  if (task === undefined) return <Skeleton count={6} />;
  if (task === null) return <Empty title="All judged">Thank you. Nothing is left for you in this study.</Empty>;
  return (
    <main class="judge">
      <header class="row page-head">
        <h1>What would you rather see next?</h1>
        <small>
          {task.done + 1} of {task.total}
        </small>
      </header>
      <img class="judge-query" src={imageAddress(task.queryPinId, 320)} alt="The pin being looked at" />
      {task.kind === 'pair' ? (
        <div class="side-by-side">
          <Side pins={task.left} />
          <Side pins={task.right} />
        </div>
      ) : (
        <Side pins={task.left} />
      )}
      <div class="row judge-answers">
        {task.kind === 'pair' ? (
          <>
            <button type="button" onClick={() => answer(-1)}>
              ← left
            </button>
            <button type="button" onClick={() => answer(0)}>
              ↓ no difference
            </button>
            <button type="button" onClick={() => answer(1)}>
              right →
            </button>
          </>
        ) : (
          [0, 1, 2, 3, 4].map((grade) => (
            <button type="button" key={grade} onClick={() => answer(grade)}>
              {grade}
            </button>
          ))
        )}
      </div>
    </main>
  );
}

function Side({ pins }: { pins: readonly string[] }) {
  return (
    <div class="judge-side">
      {pins.map((pinId) => (
        <img key={pinId} src={imageAddress(pinId, 200)} alt="" />
      ))}
    </div>
  );
}
