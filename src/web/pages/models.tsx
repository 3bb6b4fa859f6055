import { useState } from 'preact/hooks';
import type { ModelDetails, ModelDifferences, ModelHistoryReply, ModelJudgementReply } from '../../api/routes/model-details.ts';
import type { ModelsReply } from '../../api/routes/models.ts';
import { call, post } from '../api.ts';
import { useLoaded } from '../load.ts';
import { ReasonButton } from '../parts/reason-button.tsx';
import { Refusal, useAttempt } from '../parts/refusal.tsx';
import { Failure, Skeleton } from '../parts/states.tsx';
import { Table } from '../parts/table.tsx';
import { go, type Place, withQuery } from '../router.ts';
import { useTitle } from '../title.ts';
import { ago, counted } from '../words.ts';

type Model = Pick<ModelsReply['models'][number], 'name' | 'createdAt' | 'features' | 'ndcg10' | 'problem'>;

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
      call<ModelsReply>('/models', { signal }),
      call<ModelHistoryReply>('/models/history', { signal }),
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
        <ModelTable roles={roles} place={place} act={act} />
        <p class="hint">NDCG@10 on the lists that were held out when the model was trained: higher is better, 1 is the best there is.</p>
      </section>
      {chosen !== null && <Report key={`${chosen} ${roles.serving}`} name={chosen} serving={roles.serving} shipped={roles.shipped} />}
      <Changes changes={changes} />
    </div>
  );
}

interface Acting {
  readonly roles: ModelsReply;
  readonly place: Place;
  readonly act: (path: string, body: unknown) => void;
}

/** Stored models, the newest first, then those that ship. */
function ModelTable({ roles, place, act }: Acting) {
  const shipped = roles.shipped.map((name): Model => ({ name, createdAt: null, features: 0, ndcg10: null }));
  return (
    <Table<Model>
      columns={[
        {
          head: 'Model',
          names: true,
          cell: ({ name, problem }) => (
            <>
              {name}
              {WORTH[name] && <small class="block">{WORTH[name]}</small>}
              {problem && <small class="block">{problem}</small>}
            </>
          ),
        },
        {
          head: 'Part',
          cell: ({ name }) =>
            partsOf(name, roles).map((part) => (
              <span class={`badge${part === 'serves' ? ' state-running' : ''}`} key={part}>
                {part}
              </span>
            )),
        },
        { head: 'Features', class: 'number spare', cell: ({ features }) => features || '' },
        { head: 'NDCG@10', class: 'number', cell: ({ ndcg10 }) => ndcg10?.toFixed(4) ?? '' },
        { head: 'Made', class: 'spare', cell: ({ createdAt }) => createdAt && <span title={createdAt}>{ago(createdAt)}</span> },
        { head: 'What can be done', silent: true, cell: (model) => <Actions model={model} roles={roles} place={place} act={act} /> },
      ]}
      rows={[...[...roles.models].reverse(), ...shipped]}
      keyOf={({ name }) => name}
    />
  );
}

function Actions({ model: { name, problem }, roles, place, act }: Acting & { readonly model: Model }) {
  const path = encodeURIComponent(name);
  return (
    <div class="row wrap actions">
      {name !== 'as-retrieved' && !problem && (
        <button type="button" onClick={() => go(withQuery(place, { model: name }), true)}>
          Report
        </button>
      )}
      {roles.serving !== name && !problem && (
        <ReasonButton text="Promote" asks={`Why should ${name} serve?`} onDecide={(why) => act(`${path}/promote`, { why })} />
      )}
      {roles.canary?.model === name && <ReasonButton text="End the trial" asks="Why?" onDecide={(why) => act('canary/stop', { why })} />}
      {roles.dark?.model === name && <ReasonButton text="End dark reads" asks="Why?" onDecide={(why) => act('dark/stop', { why })} />}
    </div>
  );
}

function partsOf(name: string, { serving, servingOn, canary, dark }: ModelsReply): readonly string[] {
  const share = (trial: { readonly share: number }): string => `${Number((100 * trial.share).toFixed(2))} %`;
  return [
    ...(serving === name ? ['serves'] : []),
    ...Object.entries(servingOn).flatMap(([surface, model]) => (model === name ? [`serves ${surface}`] : [])),
    ...(canary?.model === name ? [`canary, ${share(canary)}`] : []),
    ...(dark?.model === name ? [`in the dark, ${share(dark)}`] : []),
  ];
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
  const details = useLoaded(path, (signal) => call<ModelDetails>(path, { signal }));
  const differs = serving !== name && serving !== 'as-retrieved';
  const differences = useLoaded(`${path} ${differs}`, (signal) =>
    differs ? call<ModelDifferences>(`${path}/differences`, { signal }) : Promise.resolve(null),
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
        <Table
          columns={[
            { head: 'NDCG@10 on held-out lists', cell: ([who]) => CONTENDERS[who] ?? who },
            { head: 'mean', class: 'number', cell: ([, { mean }]) => mean.toFixed(4) },
            {
              head: '95 % interval',
              class: 'number',
              cell: ([, { low, high }]) => (low === null || high === null ? '' : `${low.toFixed(4)} to ${high.toFixed(4)}`),
            },
          ]}
          rows={Object.entries(ndcg10)}
        />
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
        {differences.kind === 'there' && differences.value && <Differences {...differences.value} />}
      </div>
    </section>
  );
}

function Differences({ before: serving, differences }: ModelDifferences) {
  return (
    <div>
      <h3>Where it differs most from {serving}</h3>
      <Table
        columns={[
          { cell: ({ feature }) => feature },
          { class: 'number', cell: ({ before }) => weightText(before) },
          { class: 'number', cell: ({ after }) => weightText(after) },
        ]}
        rows={differences.slice(0, SHOWN_FEATURES)}
      />
    </div>
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

/** It reads the log, so it is asked for. */
function Judgement({ path, serving }: { path: string; serving: string }) {
  const [judged, setJudged] = useState<ModelJudgementReply | 'asked' | null>(null);
  const [refused, attempt] = useAttempt();
  const ask = (): void => {
    setJudged('asked');
    attempt(() =>
      call<ModelJudgementReply>(`${path}/judgement`).then(setJudged, (error: unknown) => {
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

function Changes({ changes }: { changes: ModelHistoryReply['changes'] }) {
  if (changes.length === 0) return null;
  return (
    <section class="panel" aria-label="History">
      <h2>Who changed what</h2>
      <Table
        columns={[
          { class: 'time', title: ({ at }) => at, cell: ({ at }) => ago(at) },
          { cell: ({ who }) => who },
          {
            cell: ({ action, model, previous }) => (
              <>
                {action} {model ?? 'none'}
                {previous && <small class="block">before: {previous}</small>}
              </>
            ),
          },
          {
            class: 'wrap-anywhere',
            cell: ({ why, judged, forced }) => (
              <>
                {why}
                {judged && <small class="block">judged {judged}</small>}
                {forced && <small class="block">forced</small>}
              </>
            ),
          },
        ]}
        rows={changes}
      />
    </section>
  );
}
