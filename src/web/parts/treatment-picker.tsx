import type { ModelsReply } from '../../api/routes/models.ts';
import { call } from '../api.ts';
import { useLoaded } from '../load.ts';
import { go, type Place, withQuery } from '../router.ts';

/** Chooses one or two ways of ordering: a model of the registry or a variant of the paper, laid side by side. */
const VARIANTS = ['variant-a', 'variant-b', 'variant-c'];

export function TreatmentPicker({ place }: { place: Place }) {
  const models = useLoaded('models', (signal) => call<ModelsReply>('/models', { signal }));
  if (models.kind !== 'there') return null;
  const names = [...new Set(['as-retrieved', ...models.value.models.map((row) => row.name), ...VARIANTS])];
  const left = place.query.get('treatment') ?? '';
  const right = place.query.get('against');
  const set = (changes: Record<string, string | null>): void => go(withQuery(place, changes), true);
  return (
    <div class="row wrap picker">
      <label>
        Ordered by{' '}
        <select value={left} onChange={(event) => set({ treatment: event.currentTarget.value })}>
          <option value="">as served now</option>
          {names.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <label>
        beside{' '}
        <select value={right ?? ''} onChange={(event) => set({ against: event.currentTarget.value || null })}>
          <option value="">nothing</option>
          {names.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}
