import { useState } from 'preact/hooks';
import type { NetsReply } from '../../api/routes/nets.ts';
import { call, post } from '../api.ts';
import { useLoaded } from '../load.ts';
import { ReasonButton } from '../parts/reason-button.tsx';
import { Refusal, useAttempt } from '../parts/refusal.tsx';
import { Failure, Skeleton } from '../parts/states.tsx';
import { Table } from '../parts/table.tsx';
import { useTitle } from '../title.ts';
import { ago } from '../words.ts';

/** The nets that read pictures: which serve, which could, and the switch between them. */
export function Nets() {
  useTitle('Nets');
  const [round, setRound] = useState(0);
  const loaded = useLoaded(`nets ${round}`, (signal) => call<NetsReply>('/nets', { signal }));
  const [refused, attempt] = useAttempt();
  if (loaded.kind === 'failed') return <Failure error={loaded.error} retry={loaded.retry} />;
  const view = loaded.kind === 'there' ? loaded.value : loaded.previous;
  if (!view) return <Skeleton count={3} />;
  const act = (path: string, why: string): void => attempt(() => post(`/nets/${path}`, { why }).finally(() => setRound(round + 1)));
  return (
    <div class="nets">
      <header class="row wrap page-head">
        <h1>Nets</h1>
        {view.switches.length > 1 && (
          <ReasonButton text="Roll back" asks={`Serve again with ${view.switches[1].net}?`} onDecide={(why) => act('roll-back', why)} />
        )}
      </header>
      <p>
        A visual net turns pictures into codes, so that likeness can be computed. Detectors find objects in them.{' '}
        <code>import-net --list</code> names better nets, each with its licence and the lines that fetch it.
      </p>
      {refused && <Refusal {...refused} />}
      {view.stale.length > 0 && (
        <section class="panel verdict-panel bad" aria-label="Stale">
          <b>Some parts were made for another net</b>
          <ul>
            {view.stale.map(({ job, reason }) => (
              <li key={job + reason}>
                {reason}: <a href="/jobs">{job}</a>
              </li>
            ))}
          </ul>
        </section>
      )}
      <section class="panel" aria-label="Visual nets">
        <VisualNets nets={view.nets} onSwitch={(name, why) => act(`${encodeURIComponent(name)}/switch`, why)} />
      </section>
      <section class="panel" aria-label="Detectors">
        <Table
          columns={[
            { head: 'Detector', names: true, cell: ({ name }) => name },
            { head: 'Digest', cell: ({ digest }) => <code>{digest.slice(0, 12)}</code> },
          ]}
          rows={view.detectors}
          keyOf={({ name }) => name}
        />
        <p class="hint">All detectors work together. A folder in nets/detectors of the data folder adds one within a second.</p>
      </section>
      {view.switches.length > 0 && <Switches switches={view.switches} />}
    </div>
  );
}

function VisualNets({ nets, onSwitch }: { nets: NetsReply['nets']; onSwitch: (name: string, why: string) => void }) {
  return (
    <Table
      columns={[
        {
          head: 'Visual net',
          names: true,
          cell: ({ name, net, problem }) => (
            <>
              {name}
              <small class="block">{problem ?? net}</small>
            </>
          ),
        },
        { head: 'Part', cell: ({ serving }) => serving && <span class="badge state-running">serves</span> },
        {
          head: 'Pictures read',
          class: 'number',
          cell: ({ images, missing }) => `${(images - missing).toLocaleString('en')} of ${images.toLocaleString('en')}`,
        },
        { head: 'Digest', class: 'spare', cell: ({ digest }) => digest && <code>{digest.slice(0, 12)}</code> },
        { head: 'What can be done', silent: true, cell: (net) => <Action net={net} onSwitch={(why) => onSwitch(net.name, why)} /> },
      ]}
      rows={nets}
      keyOf={({ name }) => name}
    />
  );
}

function Action({
  net: { name, serving, images, missing, problem },
  onSwitch,
}: {
  net: NetsReply['nets'][number];
  onSwitch: (why: string) => void;
}) {
  if (serving || problem || images === 0) return null;
  if (missing === 0) return <ReasonButton text="Switch" asks={`Why should ${name} serve?`} onDecide={onSwitch} />;
  return (
    <small>
      first: <code>extract-features --net {name}</code>
    </small>
  );
}

function Switches({ switches }: { switches: NetsReply['switches'] }) {
  return (
    <section class="panel" aria-label="Switches">
      <h2>Switches</h2>
      <Table
        columns={[
          { title: ({ at }) => at, cell: ({ at }) => (Date.parse(at) === 0 ? 'at first' : ago(at)) },
          {
            cell: ({ net, model }) => (
              <>
                {net}
                {model && <small class="block">with the model {model}</small>}
              </>
            ),
          },
          { class: 'wrap-anywhere', cell: ({ why }) => why },
        ]}
        rows={switches}
      />
    </section>
  );
}
