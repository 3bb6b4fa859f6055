import { useState } from 'preact/hooks';
import { call, post } from '../api.ts';
import { useLoaded } from '../load.ts';
import { ReasonButton } from '../parts/reason-button.tsx';
import { Refusal, useAttempt } from '../parts/refusal.tsx';
import { Failure, Skeleton } from '../parts/states.tsx';
import { useTitle } from '../title.ts';
import { ago } from '../words.ts';

interface Net {
  readonly name: string;
  readonly net: string | null;
  readonly digest: string | null;
  readonly serving: boolean;
  readonly images: number;
  readonly missing: number;
  readonly problem: string | null;
}

interface View {
  readonly nets: readonly Net[];
  readonly detectors: readonly { readonly name: string; readonly digest: string }[];
  readonly switches: readonly { readonly net: string; readonly model: string | null; readonly at: string; readonly why: string }[];
  readonly stale: readonly { readonly job: string; readonly reason: string }[];
}

/** The nets that read pictures: which serve, which could, and the switch between them. */
export function Nets() {
  useTitle('Nets');
  const [round, setRound] = useState(0);
  const loaded = useLoaded(`nets ${round}`, (signal) => call<View>('/nets', { signal }));
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
        <table>
          <thead>
            <tr>
              <th>Visual net</th>
              <th>Part</th>
              <th class="number">Pictures read</th>
              <th class="spare">Digest</th>
              <th>
                <span class="visually-hidden">What can be done</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {view.nets.map((net) => (
              <Row key={net.name} net={net} onSwitch={(why) => act(`${encodeURIComponent(net.name)}/switch`, why)} />
            ))}
          </tbody>
        </table>
      </section>
      <section class="panel" aria-label="Detectors">
        <table>
          <thead>
            <tr>
              <th>Detector</th>
              <th>Digest</th>
            </tr>
          </thead>
          <tbody>
            {view.detectors.map(({ name, digest }) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>
                  <code>{digest.slice(0, 12)}</code>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
        <p class="hint">All detectors work together. A folder in nets/detectors of the data folder adds one within a second.</p>
      </section>
      {view.switches.length > 0 && (
        <section class="panel" aria-label="Switches">
          <h2>Switches</h2>
          <table>
            <tbody>
              {view.switches.map(({ net, model, at, why }, row) => (
                <tr key={row}>
                  <td title={at}>{Date.parse(at) === 0 ? 'at first' : ago(at)}</td>
                  <td>
                    {net}
                    {model && <small class="block">with the model {model}</small>}
                  </td>
                  <td class="wrap-anywhere">{why}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </div>
  );
}

function Row({ net: { name, net, digest, serving, images, missing, problem }, onSwitch }: { net: Net; onSwitch: (why: string) => void }) {
  const ready = missing === 0 && images > 0;
  return (
    <tr>
      <th scope="row">
        {name}
        <small class="block">{problem ?? net}</small>
      </th>
      <td>{serving && <span class="badge state-running">serves</span>}</td>
      <td class="number">
        {(images - missing).toLocaleString('en')} of {images.toLocaleString('en')}
      </td>
      <td class="spare">{digest && <code>{digest.slice(0, 12)}</code>}</td>
      <td>
        {!serving && ready && !problem && <ReasonButton text="Switch" asks={`Why should ${name} serve?`} onDecide={onSwitch} />}
        {!serving && !ready && !problem && images > 0 && (
          <small>
            first: <code>extract-features --net {name}</code>
          </small>
        )}
      </td>
    </tr>
  );
}
