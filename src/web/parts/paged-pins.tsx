import type { ComponentChildren } from 'preact';
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { asError, call, type PinsPage } from '../api.ts';
import { useLoaded } from '../load.ts';
import { Masonry } from './masonry.tsx';
import { PinCard } from './pin-card.tsx';
import { Failure, MoreFailed, Skeleton } from './states.tsx';

/**
 * The pins at one address, page after page as one scrolls; `none` where there are none. Another address is another
 * component (give it a key), so that no late page of the one ends up in the other.
 */
export function PagedPins({ address, none }: { address: string; none: ComponentChildren }) {
  const first = useLoaded(address, (signal) => call<PinsPage>(address, { signal }));
  const [later, setLater] = useState<readonly PinsPage[]>([]);
  const [asking, setAsking] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const stop = useRef(new AbortController());
  useEffect(() => () => stop.current.abort(), []);
  const pages = first.kind === 'there' ? [first.value, ...later] : [];
  const pins = pages.flatMap((page) => page.pins);
  const cursor = pages.at(-1)?.nextCursor ?? null;
  const loadMore = useCallback(() => {
    if (!cursor || asking) return;
    const { signal } = stop.current;
    setAsking(true);
    setError(null);
    call<PinsPage>(`${address}&cursor=${encodeURIComponent(cursor)}`, { signal })
      .then((page) => signal.aborted || setLater((known) => [...known, page]))
      .catch((failure: unknown) => signal.aborted || setError(asError(failure)))
      .finally(() => signal.aborted || setAsking(false));
  }, [cursor, asking, address]);
  if (first.kind === 'failed') return <Failure error={first.error} retry={first.retry} />;
  if (first.kind === 'loading') return <Skeleton count={18} />;
  if (pins.length === 0) return <>{none}</>;
  return (
    <>
      <Masonry onEnd={cursor && !error ? loadMore : null}>
        {pins.map((pin) => (
          <PinCard key={pin.id} pinId={pin.id} title={pin.title} href={`/pin/${encodeURIComponent(pin.id)}`} />
        ))}
      </Masonry>
      {error && <MoreFailed error={error} retry={loadMore} />}
    </>
  );
}
