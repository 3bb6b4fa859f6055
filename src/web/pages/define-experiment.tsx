import { useEffect, useState } from 'preact/hooks';
import type { ExperimentList, ExperimentView } from '../../api/experiment-schemas.ts';
import { ApiProblem, call, post } from '../api.ts';
import { useLoaded } from '../load.ts';
import { DraftForm } from '../parts/draft-form.tsx';
import { addressOf } from '../parts/experiment.ts';
import { type Draft, TEMPLATES } from '../parts/experiment-draft.ts';
import { LiveForecast } from '../parts/live-forecast.tsx';
import { Refusal, useAttempt } from '../parts/refusal.tsx';
import { Failure, Skeleton } from '../parts/states.tsx';
import { go } from '../router.ts';
import { useTitle } from '../title.ts';

/** A definition in a form, with what it could find beside it, and as JSON behind it. The service checks it; it becomes a draft. */
export function DefineExperiment({ from }: { from: string }) {
  const known = useLoaded('known', (signal) => call<Pick<ExperimentList, 'known'>>('/experiments', { signal }));
  const before = useLoaded(`from ${from}`, (signal) =>
    from === '' ? Promise.resolve(null) : call<ExperimentView>(addressOf(from), { signal }),
  );
  const [draft, setDraft] = useState<Draft | null>(null);
  const [refused, attempt] = useAttempt();
  const title = from === '' ? 'New experiment' : `From ${from}`;
  useTitle(title);
  useEffect(() => {
    if (draft !== null || known.kind !== 'there' || before.kind !== 'there') return;
    const { models, serving } = known.value.known;
    setDraft(before.value?.definition ?? TEMPLATES['two models'](models, serving));
  }, [draft, known, before]);
  if (known.kind === 'failed') return <Failure error={known.error} retry={known.retry} />;
  if (before.kind === 'failed') return <Failure error={before.error} retry={before.retry} />;
  if (known.kind === 'loading' || draft === null) return <Skeleton count={2} />;
  const parts = known.value.known;
  const keep = (): void =>
    attempt(async () => {
      await post('/experiments', draft);
      go(addressOf(draft.key));
    });
  return (
    <div class="experiment">
      <p>
        <a href="/experiments">← all experiments</a>
      </p>
      <h1>{title}</h1>
      <Templates known={parts} onChoose={setDraft} />
      <Warning text={parts.metricsProblem} />
      <div class="define">
        <form
          onSubmit={(event) => {
            event.preventDefault();
            keep();
          }}
        >
          <DraftForm draft={draft} known={parts} onChange={setDraft} />
          <AsJson draft={draft} known={parts} onChange={setDraft} />
          {refused && (
            <Refusal error={refused.error} again={keep}>
              <b>{fieldOf(refused.error)}</b>: {refused.error.message}
            </Refusal>
          )}
          <button type="submit" class="primary">
            Keep as draft
          </button>
          <small> It does not start by itself.</small>
        </form>
        <aside>
          <LiveForecast draft={draft} />
        </aside>
      </div>
    </div>
  );
}

function Templates({ known, onChoose }: { known: ExperimentList['known']; onChoose: (draft: Draft) => void }) {
  return (
    <div class="row wrap" role="group" aria-label="Start from">
      {Object.entries(TEMPLATES).map(([name, template]) => (
        <button type="button" key={name} onClick={() => onChoose(template(known.models, known.serving))}>
          {name}
        </button>
      ))}
    </div>
  );
}

function Warning({ text }: { text: string | null | undefined }) {
  if (!text) return null;
  return (
    <p class="badge warn" role="alert">
      {text}
    </p>
  );
}

/** The whole definition as text: what the form has no field for is written here. */
function AsJson({ draft, known, onChange }: { draft: Draft; known: ExperimentList['known']; onChange: (draft: Draft) => void }) {
  const [text, setText] = useState<string | null>(null);
  const [wrong, setWrong] = useState('');
  const read = (typed: string): void => {
    setText(typed);
    try {
      const given = JSON.parse(typed) as Draft;
      if (!Array.isArray(given.arms)) throw new SyntaxError('arms: a list is needed');
      onChange(given);
      setWrong('');
    } catch (error) {
      setWrong(String((error as Error).message));
    }
  };
  return (
    <details>
      <summary>As JSON: every field there is</summary>
      <textarea
        aria-label="Definition"
        spellcheck={false}
        rows={24}
        value={text ?? JSON.stringify(draft, null, 2)}
        onFocus={() => setText(JSON.stringify(draft, null, 2))}
        onBlur={() => wrong === '' && setText(null)}
        onInput={(event) => read(event.currentTarget.value)}
      />
      <Warning text={wrong} />
      <Names title="Sources" names={known.sources} />
      <Names title="Categories" names={known.categories} />
    </details>
  );
}

function Names({ title, names }: { title: string; names: readonly string[] }) {
  return (
    <p class="names">
      <b>{title}</b>
      {names.map((name) => (
        <code key={name}>{name}</code>
      ))}
    </p>
  );
}

/** What is wrong: a field of the definition, or something else. */
function fieldOf(error: Error): string {
  return error instanceof ApiProblem ? (error.field ?? error.code) : 'error';
}
