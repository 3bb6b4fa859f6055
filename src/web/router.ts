import { useEffect, useState } from 'preact/hooks';

/** The place in a served list that a pin was opened from; the step in the history keeps it, so that a visit counts for that list. */
export interface ListPlace {
  readonly recommendationId: string;
  readonly position: number;
}

/** Where the visitor is: the path's parts and its query. Every view has an address, so links and the back button work. */
export interface Place {
  readonly parts: readonly string[];
  readonly query: URLSearchParams;
  /** Null where the pin was opened otherwise: by its address, in a new tab, from a list that is not logged. */
  readonly from: ListPlace | null;
}

function here(): Place {
  const parts = location.pathname
    .split('/')
    .filter((part) => part !== '')
    .map(decodeURIComponent);
  return { parts, query: new URLSearchParams(location.search), from: history.state as ListPlace | null };
}

const listeners = new Set<() => void>();
addEventListener('popstate', () => announce());

function announce(): void {
  for (const listener of listeners) listener();
}

/** Goes to an address of this page; `replace` leaves no step for the back button (filters, switches) and keeps where one came from. */
export function go(address: string, replace = false, from: ListPlace | null = null): void {
  if (replace) history.replaceState(history.state, '', address);
  else {
    history.pushState(from, '', address);
    scrollTo(0, 0);
  }
  announce();
}

/** The address of the same place with some query parameters changed (null removes one). */
export function withQuery(place: Place, changes: Readonly<Record<string, string | null>>): string {
  const query = new URLSearchParams(place.query);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === '') query.delete(name);
    else query.set(name, value);
  }
  const text = query.toString();
  return `/${place.parts.map(encodeURIComponent).join('/')}${text ? `?${text}` : ''}`;
}

export function usePlace(): Place {
  const [place, setPlace] = useState(here);
  useEffect(() => {
    const update = (): void => setPlace(here());
    listeners.add(update);
    return () => {
      listeners.delete(update);
    };
  }, []);
  return place;
}

/**
 * A click on an ordinary link of this page becomes a step of the router; modified clicks stay the browser's.
 * The link's `data-from` is a ListPlace as JSON.
 */
export function followLink(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = (event.target as Element | null)?.closest?.('a[href]');
  if (!(link instanceof HTMLAnchorElement) || link.target || link.origin !== location.origin || link.hasAttribute('download')) return;
  if (link.pathname.startsWith('/v1') || link.pathname === '/metrics') return;
  event.preventDefault();
  const { from } = link.dataset;
  go(link.pathname + link.search, false, from ? (JSON.parse(from) as ListPlace) : null);
}
