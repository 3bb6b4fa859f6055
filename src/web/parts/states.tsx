import type { ComponentChildren } from 'preact';
import { ApiProblem, rememberKey } from '../api.ts';

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
export function Failure({ error, retry }: { error: Error; retry?: () => void }) {
  const problem = error instanceof ApiProblem ? error : null;
  const needsKey = problem?.status === 401 || problem?.status === 403;
  const enter = (event: SubmitEvent): void => {
    event.preventDefault();
    const key = new FormData(event.currentTarget as HTMLFormElement).get('key');
    rememberKey(String(key ?? ''));
    retry?.();
  };
  return (
    <div class="state" role="alert">
      <div class="state-mark warn" aria-hidden="true">
        !
      </div>
      <h2>{problem?.status === 404 ? 'Not found' : 'That did not work'}</h2>
      <p>{error.message}</p>
      {problem && <code>{problem.code}</code>}
      {needsKey && (
        <form class="row" onSubmit={enter}>
          <input name="key" type="password" placeholder="key" aria-label="Key" autocomplete="off" />
          <button type="submit">Use this key</button>
        </form>
      )}
      {retry && !needsKey && (
        <button type="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}
