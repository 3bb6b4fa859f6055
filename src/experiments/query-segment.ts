import type { CatalogStore } from '../catalog/pins/catalog-store.ts';
import type { StoredList } from '../catalog/log/served-list-log.ts';
import type { DescribeQuery, QuerySegment } from './counting/exposure-log.ts';

/** The column of the logged ranking-feature rows that says whether the query had a dominant object when it was served. */
export const DOMINANT_COLUMN = 'query-has-dominant-object';

/** Segments of a list's query: its strongest category by the catalogue, its dominant object by what was logged. */
export function describeByCatalog(catalog: Pick<CatalogStore, 'pins'>): DescribeQuery {
  const categories = new Map<number, string>();
  return (list: StoredList): QuerySegment => {
    let category = categories.get(list.queryPinIndex);
    if (category === undefined) {
      const vector = list.queryPinIndex < 0 ? null : catalog.pins.get(list.queryPinIndex)?.categoryVector;
      category = strongest(vector ?? {});
      categories.set(list.queryPinIndex, category);
    }
    return { category, hasDominantObject: hadDominantObject(list) };
  };
}

/** The name of most weight, ties by name; '' for an empty vector. */
function strongest(vector: Readonly<Record<string, number>>): string {
  let best = '';
  for (const name of Object.keys(vector))
    if (best === '' || vector[name] > vector[best] || (vector[name] === vector[best] && name < best)) best = name;
  return best;
}

function hadDominantObject({ items }: StoredList): boolean {
  const column = items.rows.names.indexOf(DOMINANT_COLUMN);
  return column >= 0 && items.rows.rows > 0 && items.rows.data[column] === 1;
}
