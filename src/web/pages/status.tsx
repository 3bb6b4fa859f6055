import { useEffect, useState } from 'preact/hooks';
import { call, post } from '../api.ts';
import { useLoaded } from '../load.ts';
import { Refusal, useAttempt } from '../parts/refusal.tsx';
import { Failure, Skeleton } from '../parts/states.tsx';
import { LineChart } from '../parts/line-chart.tsx';
import { useTitle } from '../title.ts';
import { ago, bytesText, counted } from '../words.ts';

interface Trouble {
  readonly about: string;
  readonly says: string;
  readonly wayOut: string;
  readonly job: string | null;
}

interface Status {
  readonly startedAt: string;
  readonly pins: { readonly pins: number; readonly withImage: number; readonly withoutFeatures: number; readonly imagesRefused: number };
  readonly boards: number;
  readonly saves: number;
  readonly users: number;
  readonly models: {
    readonly serving: string;
    readonly homeFeed: string | null;
    readonly rank: string | null;
    readonly canary: { readonly model: string; readonly share: number } | null;
    readonly dark: { readonly model: string; readonly share: number } | null;
    readonly stored: number;
  };
  readonly nets: {
    readonly visual: { readonly name: string; readonly digest: string } | null;
    readonly detectors: readonly { readonly name: string }[];
  };
  readonly builds: readonly { readonly name: string; readonly version: string; readonly at: string }[];
  readonly traffic: { readonly lists: readonly number[]; readonly events: readonly number[] };
  readonly log: { readonly lists: number; readonly events: number; readonly eventsKeptApart: number };
  readonly runningExperiments: number;
  readonly storage: { readonly parts: readonly { readonly name: string; readonly bytes: number }[]; readonly freeBytes: number };
  readonly troubles: readonly Trouble[];
}

const REFRESH_MS = 15_000;
const SHOWN_PARTS = 8;

const number = (value: number): string => value.toLocaleString('en');

/** How the installation stands: what is wrong first, with what mends it. */
export function StatusPage() {
  useTitle('Status');
  const [round, setRound] = useState(0);
  const loaded = useLoaded(`status ${round}`, (signal) => call<Status>('/status', { signal }));
  useEffect(() => {
    const timer = setInterval(() => document.hidden || setRound((before) => before + 1), REFRESH_MS);
    return () => clearInterval(timer);
  }, []);
  if (loaded.kind === 'failed') return <Failure error={loaded.error} retry={loaded.retry} />;
  const status = loaded.kind === 'there' ? loaded.value : loaded.previous;
  if (!status) return <Skeleton count={6} />;
  return (
    <div class="status">
      <h1>Status</h1>
      <Troubles troubles={status.troubles} changed={() => setRound(round + 1)} />
      <div class="two-panels">
        <Catalog status={status} />
        <Serving status={status} />
      </div>
      <Traffic status={status} />
      <div class="two-panels">
        <Builds builds={status.builds} />
        <Storage storage={status.storage} />
      </div>
      <p class="hint">
        This process began {ago(status.startedAt)}. The same for a program: <code>GET /v1/status</code>, <code>/metrics</code> and{' '}
        <code>/health/ready</code>.
      </p>
    </div>
  );
}

function Troubles({ troubles, changed }: { troubles: readonly Trouble[]; changed: () => void }) {
  const [refused, attempt] = useAttempt();
  const [begun, setBegun] = useState<readonly string[]>([]);
  const run = (job: string): void =>
    attempt(() =>
      post(`/jobs/${job}/run`, {}).then(() => {
        setBegun([...begun, job]);
        changed();
      }),
    );
  return (
    <section class={`panel verdict-panel ${troubles.length === 0 ? 'good' : 'bad'}`} aria-label="Troubles">
      <div class="row wrap page-head">
        <b class={`verdict ${troubles.length === 0 ? 'good' : 'bad'}`}>
          {troubles.length === 0 ? 'Nothing is wrong' : `${counted(troubles.length, 'thing')} to look at`}
        </b>
        {begun.includes('doctor') ? (
          <a href="/jobs">doctor runs: see Jobs</a>
        ) : (
          <button type="button" onClick={() => run('doctor')}>
            Run doctor
          </button>
        )}
      </div>
      {refused && <Refusal {...refused} />}
      {troubles.length > 0 && (
        <ul class="troubles">
          {troubles.map(({ about, says, wayOut, job }, at) => (
            <li key={at}>
              <div>
                <b>{about}</b>: {says}
                <small class="block">{wayOut}</small>
              </div>
              {job !== null &&
                (begun.includes(job) ? (
                  <a href="/jobs">{job} runs</a>
                ) : (
                  <button type="button" onClick={() => run(job)}>
                    Run {job}
                  </button>
                ))}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function Figure({ value, name, href }: { value: string; name: string; href?: string }) {
  return (
    <div class="figure">
      <b>{value}</b> <span>{href ? <a href={href}>{name}</a> : name}</span>
    </div>
  );
}

function Catalog({ status: { pins, boards, saves, users } }: { status: Status }) {
  return (
    <section class="panel" aria-label="Catalog">
      <h2>Catalog</h2>
      <div class="figures">
        <Figure value={number(pins.pins)} name={pins.pins === 1 ? 'pin' : 'pins'} href="/" />
        <Figure value={number(boards)} name={boards === 1 ? 'board' : 'boards'} href="/boards" />
        <Figure value={number(saves)} name={saves === 1 ? 'save' : 'saves'} />
        <Figure value={number(users)} name={users === 1 ? 'user' : 'users'} href="/home" />
      </div>
      <p class="hint">
        {counted(pins.withImage, 'picture')},{' '}
        {pins.withoutFeatures === 0 ? 'all read' : `${counted(pins.withoutFeatures, 'is', 'are')} not read yet`}
        {pins.imagesRefused > 0 && `, ${number(pins.imagesRefused)} refused`}.
      </p>
    </section>
  );
}

function Serving({ status: { models, nets, runningExperiments } }: { status: Status }) {
  const share = (trial: { readonly model: string; readonly share: number }): string =>
    `${trial.model}, ${Number((100 * trial.share).toFixed(2))} %`;
  return (
    <section class="panel" aria-label="Serving">
      <h2>Serving</h2>
      <table>
        <tbody>
          <Row name="Model" value={models.serving} href="/models" />
          {models.homeFeed && <Row name="Model of home feeds" value={models.homeFeed} href="/models" />}
          {models.rank && <Row name="Model of rank" value={models.rank} href="/models" />}
          {models.canary && <Row name="Canary" value={share(models.canary)} href="/models" />}
          {models.dark && <Row name="In the dark" value={share(models.dark)} href="/models" />}
          <Row name="Net" value={nets.visual?.name ?? 'none'} href="/nets" />
          <Row name="Detectors" value={nets.detectors.map(({ name }) => name).join(', ') || 'none'} href="/nets" />
          <Row name="Experiments" value={`${runningExperiments} running`} href="/experiments" />
        </tbody>
      </table>
    </section>
  );
}

function Row({ name, value, href }: { name: string; value: string; href: string }) {
  return (
    <tr>
      <th scope="row">{name}</th>
      <td>
        <a href={href}>{value}</a>
      </td>
    </tr>
  );
}

function Traffic({ status: { traffic, log } }: { status: Status }) {
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const minutes = traffic.lists.map((_, at) => at - traffic.lists.length + 1);
  return (
    <section class="panel" aria-label="Traffic">
      <h2>Lists and events per minute</h2>
      <p class="hint">
        In the last hour {counted(sum(traffic.lists), 'list')} and {counted(sum(traffic.events), 'event')}; the log holds{' '}
        {counted(log.lists, 'list')} and {counted(log.events, 'event')}
        {log.eventsKeptApart > 0 && `, ${counted(log.eventsKeptApart, 'event')} of unknown lists kept apart`}.
      </p>
      <LineChart
        x={minutes}
        series={[
          { name: 'lists', values: traffic.lists },
          { name: 'events', values: traffic.events },
        ]}
        format={number}
        heightPx={180}
        xName="minutes"
      />
    </section>
  );
}

function Builds({ builds }: { builds: Status['builds'] }) {
  return (
    <section class="panel" aria-label="Builds">
      <h2>Last builds</h2>
      {builds.length === 0 ? (
        <p class="hint">
          Nothing is built yet: <a href="/jobs">build-candidates</a> makes the lists.
        </p>
      ) : (
        <table>
          <tbody>
            {builds.map(({ name, version, at }) => (
              <tr key={name}>
                <th scope="row" class="wrap-anywhere">
                  {name}
                </th>
                <td>{version}</td>
                <td title={at}>{ago(at)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function Storage({ storage: { parts, freeBytes } }: { storage: Status['storage'] }) {
  const total = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  const rest = parts.slice(SHOWN_PARTS).reduce((sum, { bytes }) => sum + bytes, 0);
  const rows = [...parts.slice(0, SHOWN_PARTS), ...(rest > 0 ? [{ name: 'the rest', bytes: rest }] : [])];
  return (
    <section class="panel" aria-label="Storage">
      <h2>Storage</h2>
      <p class="hint">
        {bytesText(total)} in the data folder, {bytesText(freeBytes)} free.
      </p>
      <table>
        <tbody>
          {rows.map(({ name, bytes }) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td class="number">{bytesText(bytes)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
