import { useState } from 'preact/hooks';
import type { JobsReply } from '../../api/routes/jobs.ts';

type Job = JobsReply['jobs'][number];
type JobField = Job['form']['fields'][number];
export type JobValues = NonNullable<Job['values']>;

/** Starting points of a schedule; an expression of one's own is typed. UTC. */
const TIMES: readonly (readonly [string, string])[] = [
  ['0 * * * *', 'every hour'],
  ['0 3 * * *', 'every night at 3'],
  ['0 3 * * 0', 'Sundays at 3'],
];

/** What a job is given when it runs, and when it runs by itself. */
export function JobForm({
  fields,
  values: known,
  cron: since,
  flags,
  onRun,
  onSchedule,
}: {
  fields: readonly JobField[];
  /** Of the schedule; null: its flags were set on the machine, and stay as they are. */
  values: JobValues | null;
  cron: string | null;
  flags: readonly string[];
  onRun: ((values: JobValues | undefined) => void) | null;
  onSchedule: (cron: string | null, values: JobValues | undefined) => void;
}) {
  const [values, setValues] = useState<JobValues>(known ?? {});
  const [cron, setCron] = useState(since ?? '');
  const given = known === null ? undefined : values;
  const set = (name: string, value: string | boolean): void => setValues({ ...values, [name]: value });
  return (
    <form
      class="job-form"
      onSubmit={(event) => {
        event.preventDefault();
        onRun?.(given);
      }}
    >
      {known === null ? (
        <p class="hint">
          Flags set on the machine by schedule-job: <code>{flags.join(' ')}</code>
        </p>
      ) : (
        fields.map((field) => (
          <Field key={field.name} field={field} value={values[field.name]} onChange={(value) => set(field.name, value)} />
        ))
      )}
      <div class="row wrap">
        {onRun && (
          <button type="submit" class="primary">
            Run now
          </button>
        )}
        <When cron={cron} onChange={setCron} />
        <button type="button" disabled={cron.trim() === ''} onClick={() => onSchedule(cron.trim(), given)}>
          Schedule
        </button>
        {since && (
          <button type="button" onClick={() => onSchedule(null, undefined)}>
            By hand only
          </button>
        )}
      </div>
    </form>
  );
}

function When({ cron, onChange }: { cron: string; onChange: (cron: string) => void }) {
  return (
    <>
      <label>
        or when (minute hour day month weekday, UTC){' '}
        <input class="cron" value={cron} list="cron-times" placeholder="by hand" onInput={(event) => onChange(event.currentTarget.value)} />
      </label>
      <datalist id="cron-times">
        {TIMES.map(([expression, words]) => (
          <option key={expression} value={expression}>
            {words}
          </option>
        ))}
      </datalist>
    </>
  );
}

function Field({
  field: { name, kind, meaning, choices, required = false },
  value,
  onChange,
}: {
  field: JobField;
  value: JobValues[string] | undefined;
  onChange: (value: string | boolean) => void;
}) {
  if (kind === 'flag')
    return (
      <label class="field">
        <span>
          <input type="checkbox" checked={value === true} onChange={(event) => onChange(event.currentTarget.checked)} /> {name}
        </span>
        <small>{meaning}</small>
      </label>
    );
  const text = String(value ?? '');
  return (
    <label class="field">
      <span>{name}</span>
      {choices ? (
        <select aria-label={name} value={text} required={required} onChange={(event) => onChange(event.currentTarget.value)}>
          <option value="">as usual</option>
          {choices.map((choice) => (
            <option key={choice}>{choice}</option>
          ))}
        </select>
      ) : (
        <input
          aria-label={name}
          value={text}
          required={required}
          inputMode={kind === 'integer' ? 'numeric' : kind === 'number' ? 'decimal' : 'text'}
          placeholder={required ? '' : 'as usual'}
          onInput={(event) => onChange(event.currentTarget.value)}
        />
      )}
      <small>{meaning}</small>
    </label>
  );
}
