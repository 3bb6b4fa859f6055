import { useState } from 'preact/hooks';
import { call, post } from '../api.ts';
import { useLoaded } from '../load.ts';
import { ReasonButton } from '../parts/reason-button.tsx';
import { Refusal, useAttempt } from '../parts/refusal.tsx';
import { Failure, Skeleton } from '../parts/states.tsx';
import { go, type Place, withQuery } from '../router.ts';
import { useTitle } from '../title.ts';
import { ago, counted } from '../words.ts';

interface Model {
  readonly name: string;
  readonly createdAt: string | null;
  readonly features: number;
  readonly ndcg10: number | null;
  readonly serving: boolean;
  readonly problem?: string;
}

interface Trial {
  readonly model: string;
  readonly share: number;
}

interface Roles {
  readonly serving: string;
  readonly servingOn: Readonly<Record<string, string | null>>;
  readonly canary: Trial | null;
  readonly dark: Trial | null;
  readonly shipped: readonly string[];
  readonly problem: string | null;
  readonly models: readonly Model[];
}

interface Change {
  readonly at: string;
  readonly action: string;
  readonly model: string | null;
  readonly previous: string | null;
  readonly who: string;
  readonly why: string;
  readonly forced: boolean;
  readonly judged: string | null;
}

const WORTH: Readonly<Record<string, string>> = {
  'as-retrieved': 'ships: the order in which sources found the pins, no model',
  starter: 'ships: learned on other catalogs, before your people have taught anything',
};

/** The models, the parts they play, how two of them differ, and the way forward and back. */
export function Models({ place }: { place: Place }) {
  useTitle('Models');
  const [round, setRound] = useState(0);
  const loaded = useLoaded(`models ${round}`, async (signal) => {
    const [roles, history] = await Promise.all([
      call<Roles>('/models', { signal }),
      call<{ changes: readonly Change[] }>('/models/history', { signal }),
    ]);
    return { roles, changes: history.changes };
  });
  const [refused, attempt] = useAttempt();
  if (loaded.kind === 'failed') return <Failure error={loaded.error} retry={loaded.retry} />;
  const view = loaded.kind === 'there' ? loaded.value : loaded.previous;
  if (!view) return <Skeleton count={3} />;
  const { roles, changes } = view;
  const act = (path: string, body: unknown): void => attempt(() => post(`/models/${path}`, body).finally(() => setRound(round + 1)));
  const chosen = place.query.get('model');
  const canGoBack = changes.some(({ action }) => action === 'promote');
  return (
    <div class="models">
      <header class="row wrap page-head">
        <h1>Models</h1>
        <div class="row wrap">
          {canGoBack && (
            <ReasonButton
              text="Roll back"
              asks={`Serve again what served before ${roles.serving}?`}
              onDecide={(why) => act('roll-back', { why })}
            />
          )}
          <a class="button" href="/jobs">
            Train a new one
          </a>
        </div>
      </header>
      {roles.problem && (
        <p class="panel" role="alert">
          {roles.problem}
        </p>
      )}
      {refused && <Refusal {...refused} />}
      <section class="panel" aria-label="Models">
        <table>
          <thead>
            <tr>
              <th>Model</th>
              <th>Part</th>
              <th class="number spare">Features</th>
              <th class="number">NDCG@10</th>
              <th class="spare">Made</th>
              <th>
                <span class="visually-hidden">What can be done</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {[...roles.models].reverse().map((model) => (
              <Row key={model.name} model={model} roles={roles} place={place} act={act} />
            ))}
            {roles.shipped.map((name) => (
              <Row
                key={name}
                model={{ name, createdAt: null, features: 0, ndcg10: null, serving: roles.serving === name }}
                roles={roles}
                place={place}
                act={act}
              />
            ))}
          </tbody>
        </table>
        <p class="hint">NDCG@10 on the lists that were held out when the model was trained: higher is better, 1 is the best there is.</p>
      </section>
      {chosen !== null && <Report key={`${chosen} ${roles.serving}`} name={chosen} serving={roles.serving} shipped={roles.shipped} />}
      <Changes changes={changes} />
    </div>
  );
}

function Row({
  model: { name, createdAt, features, ndcg10, problem },
  roles,
  place,
  act,
}: {
  model: Model;
  roles: Roles;
  place: Place;
  act: (path: string, body: unknown) => void;
}) {
  const parts = partsOf(name, roles);
  const serves = roles.serving === name;
  const path = encodeURIComponent(name);
  return (
    <tr>
      <th scope="row">
        {name}
        {WORTH[name] && <small class="block">{WORTH[name]}</small>}
        {problem && <small class="block">{problem}</small>}
      </th>
      <td>
        {parts.map((part) => (
          <span class={`badge${part === 'serves' ? ' state-running' : ''}`} key={part}>
            {part}
          </span>
        ))}
      </td>
      <td class="number spare">{features || ''}</td>
      <td class="number">{ndcg10?.toFixed(4) ?? ''}</td>
      <td class="spare">{createdAt && <span title={createdAt}>{ago(createdAt)}</span>}</td>
      <td>
        <div class="row wrap actions">
          {name !== 'as-retrieved' && !problem && (
            <button type="button" onClick={() => go(withQuery(place, { model: name }), true)}>
              Report
            </button>
          )}
          {!serves && !problem && (
            <ReasonButton text="Promote" asks={`Why should ${name} serve?`} onDecide={(why) => act(`${path}/promote`, { why })} />
          )}
          {roles.canary?.model === name && (
            <ReasonButton text="End the trial" asks="Why?" onDecide={(why) => act('canary/stop', { why })} />
          )}
          {roles.dark?.model === name && <ReasonButton text="End dark reads" asks="Why?" onDecide={(why) => act('dark/stop', { why })} />}
        </div>
      </td>
    </tr>
  );
}

function partsOf(name: string, { serving, servingOn, canary, dark }: Roles): readonly string[] {
  const share = (trial: Trial): string => `${Number((100 * trial.share).toFixed(2))} %`;
  return [
    ...(serving === name ? ['serves'] : []),
    ...Object.entries(servingOn).flatMap(([surface, model]) => (model === name ? [`serves ${surface}`] : [])),
    ...(canary?.model === name ? [`canary, ${share(canary)}`] : []),
    ...(dark?.model === name ? [`in the dark, ${share(dark)}`] : []),
  ];
}

interface Details {
  readonly name: string;
  readonly surface: string | null;
  readonly counts: { readonly lists: number; readonly rows: number; readonly pairs: number };
  readonly ndcg10: Readonly<Record<string, { readonly mean: number; readonly low: number | null; readonly high: number | null }>>;
  readonly features: readonly { readonly name: string; readonly weight: number }[];
}

interface Difference {
  readonly feature: string;
  readonly before: number | null;
  readonly after: number | null;
  readonly change: number;
}

const SHOWN_FEATURES = 20;

const CONTENDERS: Readonly<Record<string, string>> = {
  trained: 'this model',
  previous: 'the model before it',
  asServed: 'as served',
  asRetrieved: 'as retrieved',
  shuffled: 'shuffled',
  control: 'the control set of features',
};

/** What a model learned and how good it was; how it differs from what serves; what the judge says. */
function Report({ name, serving, shipped }: { name: string; serving: string; shipped: readonly string[] }) {
  const path = `/models/${encodeURIComponent(name)}`;
  const details = useLoaded(path, (signal) => call<Details>(path, { signal }));
  const differs = serving !== name && serving !== 'as-retrieved';
  const differences = useLoaded(`${path} ${differs}`, (signal) =>
    differs ? call<{ differences: readonly Difference[] }>(`${path}/differences`, { signal }) : Promise.resolve(null),
  );
  if (details.kind === 'failed') return <Failure error={details.error} retry={details.retry} />;
  if (details.kind === 'loading') return <Skeleton count={2} />;
  const { counts, ndcg10, features, surface } = details.value;
  const widest = Math.max(1e-12, ...features.map(({ weight }) => Math.abs(weight)));
  return (
    <section class="panel" aria-label={`Report of ${name}`}>
      <h2>{name}</h2>
      <p class="hint">
        {shipped.includes(name)
          ? 'It ships with the program.'
          : `Learned from ${counted(counts.lists, 'list')}, ${counted(counts.rows, 'row')}, ${counted(counts.pairs, 'pair')}`}
        {surface && `; orders ${surface} lists only`}
      </p>
      {Object.keys(ndcg10).length > 0 && (
        <table>
          <thead>
            <tr>
              <th>NDCG@10 on held-out lists</th>
              <th class="number">mean</th>
              <th class="number">95 % interval</th>
            </tr>
          </thead>
          <tbody>
            {Object.entries(ndcg10).map(([who, { mean, low, high }]) => (
              <tr key={who}>
                <td>{CONTENDERS[who] ?? who}</td>
                <td class="number">{mean.toFixed(4)}</td>
                <td class="number">{low === null || high === null ? '' : `${low.toFixed(4)} to ${high.toFixed(4)}`}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {serving !== name && !shipped.includes(name) && <Judgement path={path} serving={serving} />}
      <div class="two-panels">
        <div>
          <h3>Heaviest of {counted(features.length, 'feature')}</h3>
          <div class="terms">
            {features.slice(0, SHOWN_FEATURES).map((feature) => (
              <Weight key={feature.name} {...feature} widest={widest} />
            ))}
          </div>
        </div>
        {differences.kind === 'there' && differences.value && (
          <div>
            <h3>Where it differs most from {serving}</h3>
            <table>
              <tbody>
                {differences.value.differences.slice(0, SHOWN_FEATURES).map(({ feature, before, after }) => (
                  <tr key={feature}>
                    <td>{feature}</td>
                    <td class="number">{weightText(before)}</td>
                    <td class="number">{weightText(after)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </div>
    </section>
  );
}

const weightText = (value: number | null): string => (value === null ? '–' : value.toPrecision(3));

function Weight({ name, weight, widest }: { name: string; weight: number; widest: number }) {
  const share = (Math.abs(weight) / widest) * 50;
  return (
    <div class="term">
      <span class="term-name" title={name}>
        {name}
      </span>
      <span class="term-track">
        <span
          class={`term-bar ${weight >= 0 ? 'plus' : 'minus'}`}
          style={weight >= 0 ? { left: '50%', width: `${share}%` } : { right: '50%', width: `${share}%` }}
        />
      </span>
      <span class="term-value">{weightText(weight)}</span>
    </div>
  );
}

interface Judged {
  readonly word: string;
  readonly reason: string;
  readonly evidence: readonly { readonly kind: string; readonly word: string; readonly says: string }[];
}

/** It reads the log, so it is asked for. */
function Judgement({ path, serving }: { path: string; serving: string }) {
  const [judged, setJudged] = useState<Judged | 'asked' | null>(null);
  const [refused, attempt] = useAttempt();
  const ask = (): void => {
    setJudged('asked');
    attempt(() =>
      call<Judged>(`${path}/judgement`).then(setJudged, (error: unknown) => {
        setJudged(null);
        throw error;
      }),
    );
  };
  if (judged === null || judged === 'asked')
    return (
      <p>
        <button type="button" disabled={judged === 'asked'} onClick={ask}>
          {judged === 'asked' ? 'Reading the log…' : `Is it better than ${serving}?`}
        </button>
        {refused && <Refusal {...refused} />}
      </p>
    );
  const tone = judged.word === 'worse' ? 'bad' : judged.word === 'cannot tell' ? '' : 'good';
  return (
    <div role="status">
      <p>
        <b class={`outcome ${tone}`}>{judged.word}</b>: {judged.reason}
      </p>
      {judged.evidence.length > 0 && (
        <ul>
          {judged.evidence.map(({ word, says }, at) => (
            <li key={at}>
              {says} ({word})
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function Changes({ changes }: { changes: readonly Change[] }) {
  if (changes.length === 0) return null;
  return (
    <section class="panel" aria-label="History">
      <h2>Who changed what</h2>
      <table>
        <tbody>
          {changes.map(({ at, action, model, previous, who, why, forced, judged }, row) => (
            <tr key={row}>
              <td class="time" title={at}>
                {ago(at)}
              </td>
              <td>{who}</td>
              <td>
                {action} {model ?? 'none'}
                {previous && <small class="block">before: {previous}</small>}
              </td>
              <td class="wrap-anywhere">
                {why}
                {judged && <small class="block">judged {judged}</small>}
                {forced && <small class="block">forced</small>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
