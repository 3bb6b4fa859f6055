import { useEffect, useRef, useState } from 'preact/hooks';
import type { Mode } from '../../api/search-schemas.ts';
import { asError, call, post, type VisualReply } from '../api.ts';
import { currentUser } from '../visitor.ts';
import type { Fractions } from './crop-box.ts';
import { markFilter } from './marks.tsx';

/** The picture that is searched in: a pin's, or a file of the visitor. */
export type Picture = { readonly pinId: string } | { readonly file: File };

export const MODES: Readonly<Record<Mode, string>> = {
  flashlight: 'Looks alike',
  'similar-looks': 'Of the same kind',
  'shop-the-look': 'Shop the look',
  'exact-product': 'Exact product',
};

interface RegionQuery {
  readonly box: Fractions | null;
  readonly terms: readonly string[];
  /** Only pins that show it. */
  readonly mark: string | null;
  readonly mode: Mode;
  /** Whether the pointer let go: only then the search counts. */
  readonly settled: boolean;
  readonly via: 'crop' | 'dot';
}

export interface RegionSearch {
  readonly reply: VisualReply | null;
  readonly error: Error | null;
  readonly busy: boolean;
  /** Asks the last question again. */
  retry(): void;
  more(): void;
  /** Why the last `more` brought nothing. */
  readonly moreError: Error | null;
}

const DRAGGED_MS = 120;
const PAGE = 24;

/**
 * Results that follow the box: debounced while it moves, at once when it is let go. A newer question aborts the older one,
 * so a stale reply never replaces a newer; while `held` (a finger on the results) nothing moves under it.
 */
export function useRegionSearch(picture: Picture, query: RegionQuery, held: { readonly current: boolean }): RegionSearch {
  const [reply, setReply] = useState<VisualReply | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const [moreError, setMoreError] = useState<Error | null>(null);
  const [busy, setBusy] = useState(false);
  const [round, setRound] = useState(0);
  const stop = useRef<AbortController | null>(null);
  const { box, terms, mark, mode, settled } = query;
  const key = box ? `${box.map((side) => side.toFixed(3)).join(',')}|${terms.join('|')}|${mark}|${mode}|${settled}` : '';
  useEffect(() => {
    if (!box) return;
    const asked = new AbortController();
    stop.current?.abort();
    stop.current = asked;
    setBusy(true);
    const timer = setTimeout(
      () => {
        ask(picture, query, null, asked.signal)
          .then((value) => whenFree(held, asked.signal, () => show(value)))
          .catch((failure: unknown) => {
            if (asked.signal.aborted) return;
            setError(asError(failure));
            setBusy(false);
          });
      },
      settled ? 0 : DRAGGED_MS,
    );
    return () => clearTimeout(timer);
  }, [picture, key, round]);
  const show = (value: VisualReply): void => {
    setReply(value);
    setError(null);
    setMoreError(null);
    setBusy(false);
  };
  const retry = (): void => {
    setError(null);
    setRound(round + 1);
  };
  const more = (): void => {
    const signal = stop.current?.signal;
    if (!reply?.nextCursor || !signal || busy) return;
    setBusy(true);
    setMoreError(null);
    ask(picture, query, reply.nextCursor, signal)
      .then((next) => !signal.aborted && show({ ...next, items: [...reply.items, ...next.items] }))
      .catch((failure: unknown) => {
        if (signal.aborted) return;
        setMoreError(asError(failure));
        setBusy(false);
      });
  };
  return { reply, error, busy, retry, more, moreError };
}

/** Runs as soon as no finger is on the results, unless a newer question came. */
function whenFree(held: { readonly current: boolean }, signal: AbortSignal, work: () => void): void {
  if (signal.aborted) return;
  if (held.current) setTimeout(() => whenFree(held, signal, work), 60);
  else work();
}

function ask(
  picture: Picture,
  { box, terms, mark, mode, settled, via }: RegionQuery,
  cursor: string | null,
  signal: AbortSignal,
): Promise<VisualReply> {
  const fields = {
    box,
    boxUnit: 'fractions',
    terms,
    ...(mark === null ? {} : { filter: [markFilter(mark)] }),
    mode,
    via,
    preview: !settled,
    limit: PAGE,
    userId: currentUser(),
    ...(cursor ? { cursor } : {}),
  };
  if ('pinId' in picture) return post<VisualReply>('/visual-search', { pinId: picture.pinId, ...fields }, signal);
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) body.set(name, typeof value === 'string' ? value : JSON.stringify(value));
  body.set('image', picture.file);
  return call<VisualReply>('/visual-search', { method: 'POST', body, signal });
}
