import { useEffect, useState } from 'preact/hooks';
import { ApiProblem, call, post } from '../api.ts';
import { useLoaded } from '../load.ts';
import type { ExperimentList, ExperimentView } from '../../api/experiment-schemas.ts';
import { addressOf } from '../parts/experiment.ts';
import { Refusal, useAttempt } from '../parts/refusal.tsx';
import { Failure, Skeleton } from '../parts/states.tsx';
import { go } from '../router.ts';
import { useTitle } from '../title.ts';

const arm = (key: string, weight: number, treatment: unknown) => ({ key, weight, treatment });

/** Starting points: what is most often tried. */
const TEMPLATES: Readonly<Record<string, (models: readonly string[]) => Record<string, unknown>>> = {
  'two models': (models) => ({
    key: 'new-model',
    description: 'the newest model against the one before',
    arms: [arm('control', 0.5, { model: models.at(-2) ?? 'as-retrieved' }), arm('new', 0.5, { model: models.at(-1) ?? 'as-retrieved' })],
    eligibility: { surfaces: ['closeup'] },
    ...SHARED,
  }),
  'dominant object': () => ({
    key: 'dominant-object',
    description: 'variants A, B and C on fashion queries with a dominant object',
    arms: [
      arm('control', 0.25, {}),
      arm('variant A', 0.25, 'variant A'),
      arm('variant B', 0.25, 'variant B'),
      arm('variant C', 0.25, 'variant C'),
    ],
    eligibility: { categories: ['womens fashion', 'mens fashion'], dominantObject: true },
    ...SHARED,
  }),
  sources: () => ({
    key: 'without-annotations',
    description: 'candidates from boards and pictures only',
    arms: [arm('control', 0.5, {}), arm('fewer', 0.5, { sources: ['board-cooccurrence', 'visual-neighbors'] })],
    eligibility: { querySet: { popular: 5000 } },
    ...SHARED,
  }),
};

const SHARED = {
  layer: { name: 'ranker', slots: [0, 1] },
  traffic: 0.1,
  metrics: ['engagement-rate', 'save-propensity'],
  guardrails: [
    { metric: 'latency-ms', margin: 0.1 },
    { metric: 'empty-lists', margin: 0.05 },
  ],
  minimumLift: 0.01,
  expectedUnits: 20_000,
  counterfactualShare: 0.05,
};

/** A definition as text, checked by the service, which names the field that is wrong. It becomes a draft. */
export function DefineExperiment({ from }: { from: string }) {
  const known = useLoaded('known', (signal) => call<ExperimentList>('/experiments', { signal }));
  const before = useLoaded(`from ${from}`, (signal) =>
    from === '' ? Promise.resolve(null) : call<ExperimentView>(addressOf(from), { signal }),
  );
  const [text, setText] = useState<string | null>(null);
  const [refused, attempt] = useAttempt();
  const title = from === '' ? 'New experiment' : `From ${from}`;
  useTitle(title);
  useEffect(() => {
    if (text !== null || known.kind !== 'there' || before.kind !== 'there') return;
    const start = before.value?.definition ?? TEMPLATES['two models'](known.value.known.models);
    setText(JSON.stringify(start, null, 2));
  }, [text, known, before]);
  if (known.kind === 'failed') return <Failure error={known.error} retry={known.retry} />;
  if (before.kind === 'failed') return <Failure error={before.error} retry={before.retry} />;
  if (known.kind === 'loading' || text === null) return <Skeleton count={2} />;
  const parts = known.value.known;
  const keep = (): void =>
    attempt(async () => {
      const definition = JSON.parse(text) as { key?: string };
      await post('/experiments', definition);
      go(addressOf(String(definition.key)));
    });
  const submit = (event: Event): void => {
    event.preventDefault();
    keep();
  };
  return (
    <div class="experiment">
      <p>
        <a href="/experiments">← all experiments</a>
      </p>
      <h1>{title}</h1>
      <div class="define">
        <form onSubmit={submit}>
          <div class="row wrap" role="group" aria-label="Start from">
            {Object.entries(TEMPLATES).map(([name, template]) => (
              <button type="button" key={name} onClick={() => setText(JSON.stringify(template(parts.models), null, 2))}>
                {name}
              </button>
            ))}
          </div>
          <textarea
            aria-label="Definition"
            spellcheck={false}
            rows={30}
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
          <button type="submit" class="primary">
            Keep as draft
          </button>
        </form>
        <aside>
          <Names title="Metrics (the first decides)" names={parts.metrics.map(({ name }) => name)} />
          <Names title="Models" names={parts.models} />
          <Names title="Sources" names={parts.sources} />
          <Names title="Surfaces" names={parts.surfaces} />
          <Names title="Variants" names={['variant A', 'variant B', 'variant C']} />
        </aside>
        {refused && (
          <Refusal error={refused.error} again={keep}>
            <b>{fieldOf(refused.error)}</b>: {refused.error.message}
          </Refusal>
        )}
      </div>
    </div>
  );
}

function Names({ title, names }: { title: string; names: readonly string[] }) {
  return (
    <>
      <h3>{title}</h3>
      <p class="names">
        {names.map((name) => (
          <code key={name}>{name}</code>
        ))}
      </p>
    </>
  );
}

/** What is wrong: a field of the definition, or the text itself. */
function fieldOf(error: Error): string {
  if (error instanceof ApiProblem) return error.field ?? error.code;
  return error instanceof SyntaxError ? 'JSON' : 'error';
}
