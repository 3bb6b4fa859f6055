import type { ComponentChildren } from 'preact';
import { ApiProblem, wantsKey } from '../api.ts';
import { KeyForm } from './key-form.tsx';

/** Grey cards that hold the place of what is on its way. */
export function Skeleton({ count }: { count: number }) {
  return (
    <div class="skeletons" role="status" aria-label="Loading">
      {Array.from({ length: count }, (_, index) => (
        <div key={index} class={`skeleton tall-${index % 4}`} />
      ))}
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="state">
      <div class="state-mark" aria-hidden="true">
        ◇
      </div>
      <h2>{title}</h2>
      <p>{children}</p>
    </div>
  );
}

/** What went wrong, in the service's own words, with the way out: again, or a key. */
export function Failure({ error, retry }: { error: Error; retry: () => void }) {
  const problem = error instanceof ApiProblem ? error : null;
  return (
    <div class="state" role="alert">
      <div class="state-mark warn" aria-hidden="true">
        !
      </div>
      <h2>{problem?.status === 404 ? 'Not found' : 'That did not work'}</h2>
      <p>{error.message}</p>
      {problem && <code>{problem.code}</code>}
      <Again error={error} retry={retry} />
    </div>
  );
}

/** Says where a further page should stand that it did not come, so that no list ends early without a word. */
export function MoreFailed({ error, retry }: { error: Error; retry: () => void }) {
  return (
    <div class="row wrap more-failed" role="alert">
      <span title={error.message}>Could not load more.</span>
      <Again error={error} retry={retry} />
    </div>
  );
}

function Again({ error, retry }: { error: Error; retry: () => void }) {
  if (wantsKey(error)) return <KeyForm onKey={retry} />;
  return (
    <button type="button" onClick={retry}>
      Try again
    </button>
  );
}
