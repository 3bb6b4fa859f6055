import type { ComponentChildren } from 'preact';
import type { ExperimentList } from '../../api/experiment-schemas.ts';
import { choiceOf, type Draft, type DraftArm, treatmentOf, withArms } from './experiment-draft.ts';

type Known = ExperimentList['known'];

const VARIANTS = ['variant A', 'variant B', 'variant C'];

/** The fields of a definition that most experiments need; the others are in the JSON below it. */
export function DraftForm({ draft, known, onChange }: { draft: Draft; known: Known; onChange: (draft: Draft) => void }) {
  const set = (part: Partial<Draft>): void => onChange({ ...draft, ...part });
  const text = (name: 'key' | 'description' | 'hypothesis' | 'owner') => (
    <input value={draft[name] ?? ''} maxLength={1000} onInput={(event) => set({ [name]: event.currentTarget.value })} />
  );
  return (
    <>
      <fieldset>
        <legend>What it is</legend>
        <Field name="Key" hint="small letters, digits, dashes; it is part of the address">
          {text('key')}
        </Field>
        <Field name="Description">{text('description')}</Field>
        <Field name="Hypothesis" hint="what you expect, and why">
          {text('hypothesis')}
        </Field>
        <Field name="Owner">{text('owner')}</Field>
        <Field name="Tags" hint="separated by commas">
          <input
            value={(draft.tags ?? []).join(', ')}
            onChange={(event) => set({ tags: event.currentTarget.value.split(',').flatMap((tag) => tag.trim() || []) })}
          />
        </Field>
      </fieldset>
      <Arms draft={draft} known={known} onChange={onChange} />
      <fieldset>
        <legend>Who and how long</legend>
        <Field name="Traffic, % of users" hint="may be widened while it runs">
          <Percent value={draft.traffic ?? 1} max={100} onChange={(traffic) => set({ traffic })} />
        </Field>
        <Field name="Planned days">
          <input
            type="number"
            min={1}
            max={365}
            value={draft.plannedDays ?? 14}
            onInput={(event) => set({ plannedDays: Number(event.currentTarget.value) })}
          />
        </Field>
        <Field name="Lists" hint="on which it runs">
          <select
            value={draft.eligibility?.surfaces?.[0] ?? ''}
            onChange={(event) => set({ eligibility: withSurface(draft.eligibility, event.currentTarget.value) })}
          >
            <option value="">all</option>
            {known.surfaces.map((surface) => (
              <option key={surface}>{surface}</option>
            ))}
          </select>
        </Field>
      </fieldset>
      <Metrics draft={draft} known={known} onChange={onChange} />
    </>
  );
}

function Field({ name, hint, children }: { name: string; hint?: string; children: ComponentChildren }) {
  return (
    <label class="field">
      <span>{name}</span>
      {children}
      {hint && <small>{hint}</small>}
    </label>
  );
}

function Percent({ value, max, label, onChange }: { value: number; max: number; label?: string; onChange: (share: number) => void }) {
  return (
    <input
      type="number"
      aria-label={label}
      min={0}
      max={max}
      step="any"
      value={Number((100 * value).toFixed(4))}
      onInput={(event) => onChange(Number((Number(event.currentTarget.value) / 100).toFixed(6)))}
    />
  );
}

function withSurface(eligibility: Draft['eligibility'], surface: string): NonNullable<Draft['eligibility']> {
  const { surfaces: _, ...rest } = eligibility ?? {};
  return surface === '' ? rest : { ...rest, surfaces: [surface] };
}

function Arms({ draft, known, onChange }: { draft: Draft; known: Known; onChange: (draft: Draft) => void }) {
  const { arms } = draft;
  const change = (at: number, part: Partial<DraftArm>): void =>
    onChange({ ...draft, arms: arms.map((arm, index) => (index === at ? { ...arm, ...part } : arm)) });
  return (
    <fieldset>
      <legend>Arms</legend>
      {arms.map((arm, at) => (
        <div class="arm-row" role="group" aria-label={at === 0 ? 'Control' : `Arm ${at + 1}`} key={at}>
          <input aria-label="Name" value={arm.key} onInput={(event) => change(at, { key: event.currentTarget.value })} />
          <span>
            <Percent label="Share in %" value={arm.weight} max={100} onChange={(weight) => change(at, { weight })} /> %
          </span>
          <TreatmentChoice treatment={arm.treatment} known={known} onChange={(treatment) => change(at, { treatment })} />
          {at === 0 ? (
            <small>control</small>
          ) : (
            <button
              type="button"
              class="quiet"
              aria-label={`Remove ${arm.key}`}
              disabled={arms.length < 3}
              onClick={() =>
                onChange(
                  withArms(
                    draft,
                    arms.filter((_, index) => index !== at),
                  ),
                )
              }
            >
              ✕
            </button>
          )}
        </div>
      ))}
      <button
        type="button"
        onClick={() => onChange(withArms(draft, [...arms, { key: `arm-${arms.length + 1}`, weight: 0, treatment: {} }]))}
      >
        Add an arm
      </button>
    </fieldset>
  );
}

function Metrics({ draft, known, onChange }: { draft: Draft; known: Known; onChange: (draft: Draft) => void }) {
  const [deciding = 'engagement-rate', ...others] = draft.metrics ?? [];
  const guardrails = draft.guardrails ?? [];
  const guard = (at: number, row: Guardrail | null): void =>
    onChange({ ...draft, guardrails: guardrails.flatMap((each, index) => (index !== at ? [each] : row ? [row] : [])) });
  return (
    <fieldset>
      <legend>What decides</legend>
      <Field name="Deciding metric" hint={known.metrics.find(({ name }) => name === deciding)?.meaning ?? ''}>
        <select
          value={deciding}
          onChange={({ currentTarget: { value } }) => onChange({ ...draft, metrics: [value, ...others.filter((name) => name !== value)] })}
        >
          {known.metrics.map(({ name, label }) => (
            <option key={name} value={name}>
              {label}
            </option>
          ))}
        </select>
      </Field>
      <Field name="Smallest lift worth it, %">
        <Percent value={draft.minimumLift ?? 0} max={1000} onChange={(minimumLift) => onChange({ ...draft, minimumLift })} />
      </Field>
      <AlsoReported
        known={known}
        deciding={deciding}
        others={others}
        onChange={(names) => onChange({ ...draft, metrics: [deciding, ...names] })}
      />
      <p class="hint">Guardrails: an arm that harms one by more than its margin does not ship.</p>
      {guardrails.map((row, at) => (
        <GuardrailRow key={at} at={at} row={row} known={known} onChange={(changed) => guard(at, changed)} />
      ))}
      <button
        type="button"
        onClick={() =>
          onChange({ ...draft, guardrails: [...guardrails, { metric: known.metrics.at(-1)?.name ?? deciding, margin: 0.05 }] })
        }
      >
        Add a guardrail
      </button>
    </fieldset>
  );
}

type Guardrail = NonNullable<Draft['guardrails']>[number];

interface GuardrailChange {
  at: number;
  row: Guardrail;
  known: Known;
  onChange: (row: Guardrail | null) => void;
}

function GuardrailRow({ at, row, known, onChange }: GuardrailChange) {
  return (
    <div class="arm-row" role="group" aria-label={`Guardrail ${at + 1}`}>
      <select aria-label="Metric" value={row.metric} onChange={(event) => onChange({ ...row, metric: event.currentTarget.value })}>
        {known.metrics.map(({ name, label }) => (
          <option key={name} value={name}>
            {label}
          </option>
        ))}
      </select>
      {row.marginUnit === 'absolute' ? (
        <input
          type="number"
          aria-label="Margin"
          step="any"
          min={0}
          value={row.margin}
          onInput={(event) => onChange({ ...row, margin: Number(event.currentTarget.value) })}
        />
      ) : (
        <Percent label="Margin" value={row.margin} max={1000} onChange={(margin) => onChange({ ...row, margin })} />
      )}
      <select
        aria-label="Unit of the margin"
        value={row.marginUnit ?? 'relative'}
        onChange={({ currentTarget: { value } }) =>
          onChange(value === 'absolute' ? { metric: row.metric, margin: 5, marginUnit: 'absolute' } : { metric: row.metric, margin: 0.05 })
        }
      >
        <option value="relative">% worse</option>
        <option value="absolute">worse, in its own unit</option>
      </select>
      <button type="button" class="quiet" aria-label="Remove" onClick={() => onChange(null)}>
        ✕
      </button>
    </div>
  );
}

interface TreatmentChange {
  treatment: DraftArm['treatment'];
  known: Known;
  onChange: (treatment: DraftArm['treatment']) => void;
}

function TreatmentChoice({ treatment, known, onChange }: TreatmentChange) {
  return (
    <select aria-label="What it changes" value={choiceOf(treatment)} onChange={(event) => onChange(treatmentOf(event.currentTarget.value))}>
      <option value="">what serves now</option>
      {known.models.map((name) => (
        <option key={name} value={`model ${name}`}>
          model {name}
          {name === known.serving ? ' (serves)' : ''}
        </option>
      ))}
      {VARIANTS.map((name) => (
        <option key={name}>{name}</option>
      ))}
      {choiceOf(treatment) === 'other' && <option value="other">as in the JSON</option>}
    </select>
  );
}

interface Reported {
  known: Known;
  deciding: string;
  others: readonly string[];
  onChange: (names: readonly string[]) => void;
}

function AlsoReported({ known, deciding, others, onChange }: Reported) {
  return (
    <details>
      <summary>Also reported: {others.length === 0 ? 'nothing' : others.join(', ')}</summary>
      {known.metrics
        .filter(({ name }) => name !== deciding)
        .map(({ name, label, meaning }) => (
          <label class="check" key={name} title={meaning}>
            <input
              type="checkbox"
              checked={others.includes(name)}
              onChange={({ currentTarget: { checked } }) =>
                onChange([...others.filter((other) => other !== name), ...(checked ? [name] : [])])
              }
            />{' '}
            {label}
          </label>
        ))}
    </details>
  );
}
