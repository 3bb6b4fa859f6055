import { useEffect, useState } from 'preact/hooks';
import type { JobsReply, RunsReply } from '../../api/routes/jobs.ts';
import { call, post } from '../api.ts';
import { useLoaded } from '../load.ts';
import { Refusal, useAttempt } from '../parts/refusal.tsx';
import { Failure, Skeleton } from '../parts/states.tsx';
import { useTitle } from '../title.ts';

type JobRun = RunsReply['runs'][number];

/** The page looks again so often while something runs, and so often while nothing does. */
const BUSY_MS = 1000;
const IDLE_MS = 10_000;

/** What runs by itself, what runs now, and how it ended. */
export function Jobs() {
  useTitle('Jobs');
  const [round, setRound] = useState(0);
  const loaded = useLoaded(`jobs ${round}`, async (signal) => {
    const [all, history] = await Promise.all([call<JobsReply>('/jobs', { signal }), call<RunsReply>('/jobs/runs?limit=50', { signal })]);
    return { ...all, ...history };
  });
  const view: (JobsReply & RunsReply) | null = loaded.kind === 'there' ? loaded.value : loaded.kind === 'loading' ? loaded.previous : null;
  const busy = view?.jobs.some(({ state }) => state !== 'idle') ?? false;
  useEffect(() => {
    const timer = setTimeout(() => setRound((count) => count + 1), busy ? BUSY_MS : IDLE_MS);
    return () => clearTimeout(timer);
  }, [round, busy]);
  if (loaded.kind === 'failed') return <Failure error={loaded.error} retry={loaded.retry} />;
  if (view === null) return <Skeleton count={4} />;
  return (
    <div class="jobs">
      <h1>Jobs</h1>
      <p>
        One at a time, each a process of its own. Times are UTC; <code>related-pins schedule-job</code> says when a job runs.
      </p>
      {view.problem && (
        <p class="panel" role="alert">
          {view.problem}
        </p>
      )}
      <Schedule jobs={view.jobs} changed={() => setRound((count) => count + 1)} />
      <h2>History</h2>
      {view.runs.length === 0 ? <p>Nothing has run yet.</p> : <History runs={view.runs} />}
    </div>
  );
}

function Schedule({ jobs, changed }: { jobs: JobsReply['jobs']; changed: () => void }) {
  const [refused, attempt] = useAttempt();
  const act = (path: string) => (): void => attempt(() => post(path, {}).finally(changed));
  return (
    <div class="panel">
      {refused && <Refusal {...refused} />}
      <table>
        <thead>
          <tr>
            <th>Job</th>
            <th>When</th>
            <th>Next</th>
            <th>Now</th>
            <th>Last</th>
            <th />
          </tr>
        </thead>
        <tbody>
          {jobs.map(({ job, cron, flags, nextRunAt, state, progress, last }) => (
            <tr key={job} data-job={job}>
              <td>
                <b>{job}</b> {flags.length > 0 && <small>{flags.join(' ')}</small>}
              </td>
              <td>{cron ? <code>{cron}</code> : <small>by hand</small>}</td>
              <td>{nextRunAt ? shortTime(nextRunAt) : ''}</td>
              <td>{state === 'idle' ? '' : <Now state={state} progress={progress} />}</td>
              <td>{last && last.state !== 'running' && <Ended run={last} />}</td>
              <td>
                {state === 'idle' ? (
                  <button type="button" onClick={act(`/jobs/${job}/run`)}>
                    Run now
                  </button>
                ) : (
                  <button type="button" onClick={act(`/jobs/${job}/stop`)}>
                    Stop
                  </button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Now({ state, progress }: Pick<JobsReply['jobs'][number], 'state' | 'progress'>) {
  if (state === 'waiting') return <small>waits for its turn</small>;
  return (
    <span class="row">
      <small>{progress?.step || 'running'}</small>
      {progress && progress.total > 0 && <progress max={progress.total} value={progress.done} />}
    </span>
  );
}

function Ended({ run }: { run: JobRun }) {
  return (
    <span class="row">
      <b class={`outcome ${toneOf(run.state)}`}>{run.state}</b>
      <small>{shortTime(run.startedAt)}</small>
    </span>
  );
}

function History({ runs }: { runs: RunsReply['runs'] }) {
  return (
    <div class="panel">
      <table>
        <thead>
          <tr>
            <th>Started</th>
            <th>Job</th>
            <th>By</th>
            <th>Ended</th>
            <th class="number">Seconds</th>
            <th>Receipt</th>
          </tr>
        </thead>
        <tbody>
          {runs.map((run) => (
            <tr key={run.id}>
              <td class="time">{shortTime(run.startedAt)}</td>
              <td>{run.job}</td>
              <td>{run.who ?? <small>schedule</small>}</td>
              <td>
                <b class={`outcome ${toneOf(run.state)}`}>{run.state}</b>
              </td>
              <td class="number">{run.seconds?.toFixed(1) ?? ''}</td>
              <td>
                {run.state !== 'running' && (
                  <details>
                    <summary>{headOf(run)}</summary>
                    <pre>{JSON.stringify(run.receipt, null, 1)}</pre>
                    {run.said && <pre>{run.said}</pre>}
                  </details>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function toneOf(state: string): string {
  return state === 'done' ? 'good' : state === 'running' || state === 'stopped' || state === 'refused' ? '' : 'bad';
}

/** What went wrong, or the first few facts of the receipt. */
function headOf({ receipt, said }: JobRun): string {
  const record = (receipt ?? {}) as Readonly<Record<string, unknown>>;
  const { error } = record as { readonly error?: { readonly message: string } };
  if (error) return error.message;
  const facts = Object.entries(record).filter(([, value]) => typeof value === 'number' || typeof value === 'string');
  const told = facts.slice(0, 4).map(([name, value]) => `${name} ${typeof value === 'number' ? Number(value.toPrecision(4)) : value}`);
  return told.length > 0 ? told.join(', ') : said.trim().split('\n').at(-1) || 'receipt';
}

const shortTime = (iso: string): string => iso.slice(0, 16).replace('T', ' ');
