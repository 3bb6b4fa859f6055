import { call } from '../api.ts';
import { useLoaded } from '../load.ts';
import { Empty, Failure, Skeleton } from '../parts/states.tsx';

interface ExperimentRow {
  readonly key: string;
  readonly state: string;
}

/** The list of experiments, or one of them. */
export function Experiments({ experimentKey }: { experimentKey: string }) {
  const list = useLoaded('experiments', (signal) =>
    call<{ experiments: readonly ExperimentRow[] }>('/experiments', { signal }),
  );
  if (list.kind === 'failed') return <Failure error={list.error} retry={list.retry} />;
  if (list.kind === 'loading') return <Skeleton count={4} />;
  if (list.value.experiments.length === 0)
    return <Empty title="No experiments yet">Define one with related-pins define-experiment --file FILE.</Empty>;
  return (
    <main>
      <h1>{experimentKey || 'Experiments'}</h1>
      {list.value.experiments.map((row) => (
        <p key={row.key}>
          <a href={`/experiments/${encodeURIComponent(row.key)}`}>{row.key}</a> {row.state}
        </p>
      ))}
    </main>
  );
}
