import { useEffect, useRef, useState } from 'preact/hooks';
import { asError, wantsKey } from './api.ts';
import { onKey } from './key.ts';

/** The state of something fetched: exactly one of loading, failed, there. */
export type Loaded<T> =
  | { readonly kind: 'loading'; readonly previous: T | null }
  | { readonly kind: 'failed'; readonly error: Error; readonly retry: () => void }
  | { readonly kind: 'there'; readonly value: T };

/**
 * Fetches again whenever `key` changes; a stale reply is aborted and dropped, the previous value stays visible
 * while the next one loads. What failed for want of a key is fetched again when one is typed in, wherever on the page.
 */
export function useLoaded<T>(key: string, fetcher: (signal: AbortSignal) => Promise<T>): Loaded<T> {
  const [state, setState] = useState<Loaded<T>>({ kind: 'loading', previous: null });
  const [round, setRound] = useState(0);
  const last = useRef<T | null>(null);
  const retry = (): void => setRound((count) => count + 1);
  useEffect(() => {
    const stop = new AbortController();
    setState({ kind: 'loading', previous: last.current });
    fetcher(stop.signal).then(
      (value) => {
        if (stop.signal.aborted) return;
        last.current = value;
        setState({ kind: 'there', value });
      },
      (error: unknown) => {
        if (stop.signal.aborted) return;
        setState({ kind: 'failed', error: asError(error), retry });
      },
    );
    return () => stop.abort();
  }, [key, round]);
  const refused = state.kind === 'failed' && wantsKey(state.error);
  useEffect(() => (refused ? onKey(retry) : undefined), [refused]);
  return state;
}
