import { useEffect, useState } from 'preact/hooks';
import type { JobsReply, RunsReply } from '../../api/routes/jobs.ts';
import { call } from '../api.ts';
import { useLoaded } from '../load.ts';
import { JobForm, type JobValues } from '../parts/job-form.tsx';
import { Refusal, useAttempt } from '../parts/refusal.tsx';
import { Failure, Skeleton } from '../parts/states.tsx';
import { useTitle } from '../title.ts';

type JobRun = RunsReply['runs'][number];
type Job = JobsReply['jobs'][number];

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
        One at a time, each a process of its own beside the service. Flags that name files are set on the machine by{' '}
        <code>related-pins schedule-job</code>.
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

function Schedule({ jobs, changed }: { jobs: readonly Job[]; changed: () => void }) {
  return (
    <div class="job-list">
      {jobs.map((job) => (
        <OneJob key={job.job} job={job} changed={changed} />
      ))}
    </div>
  );
}

function OneJob({
  job: { job, cron, flags, nextRunAt, state, progress, last, form, values, cannot },
  changed,
}: {
  job: Job;
  changed: () => void;
}) {
  const [refused, attempt] = useAttempt();
  const ask = (path: string, init: RequestInit): void => attempt(() => call(`/jobs/${job}/${path}`, init).finally(changed));
  const send = (method: string, body: unknown): RequestInit => ({
    method,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const schedule = (to: string | null, given: JobValues | undefined): void =>
    ask('schedule', to === null ? { method: 'DELETE' } : send('PUT', { cron: to, ...(given ? { values: given } : {}) }));
  return (
    <section class="panel job" data-job={job} aria-label={job}>
      <div class="row wrap job-head">
        <div class="job-name">
          <b>{job}</b>
          <small class="block">{form.summary}</small>
        </div>
        {state !== 'idle' && <Now state={state} progress={progress} />}
        {state !== 'idle' && (
          <button type="button" onClick={() => ask('stop', send('POST', {}))}>
            Stop
          </button>
        )}
        {last && last.state !== 'running' && <Ended run={last} />}
        {cron && (
          <small>
            <code>{cron}</code> UTC{nextRunAt && `, next ${shortTime(nextRunAt)}`}
          </small>
        )}
      </div>
      {cannot !== null && <p class="hint">{cannot}</p>}
      <details>
        <summary>{cannot === null ? 'run or schedule' : 'schedule'}</summary>
        <JobForm
          fields={form.fields}
          values={values}
          cron={cron}
          flags={flags}
          onRun={cannot === null && state === 'idle' ? (given) => ask('run', send('POST', given ? { values: given } : {})) : null}
          onSchedule={schedule}
        />
        {refused && <Refusal {...refused} />}
      </details>
    </section>
  );
}

function Now({ state, progress }: Pick<Job, 'state' | 'progress'>) {
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
    <section class="panel" aria-label="Runs">
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
              <td>
                {run.job} {run.flags.length > 0 && <small class="wrap-anywhere">{run.flags.join(' ')}</small>}
              </td>
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
    </section>
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
