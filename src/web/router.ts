import { useEffect, useState } from 'preact/hooks';

/** Where the visitor is: the path's parts and its query. Every view has an address, so links and the back button work. */
export interface Place {
  readonly parts: readonly string[];
  readonly query: URLSearchParams;
}

function here(): Place {
  const parts = location.pathname
    .split('/')
    .filter((part) => part !== '')
    .map(decodeURIComponent);
  return { parts, query: new URLSearchParams(location.search) };
}

const listeners = new Set<() => void>();
addEventListener('popstate', () => announce());

function announce(): void {
  for (const listener of listeners) listener();
}

/** Goes to an address of this page; `replace` leaves no step for the back button (filters, switches). */
export function go(address: string, replace = false): void {
  if (replace) history.replaceState(null, '', address);
  else {
    history.pushState(null, '', address);
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

/** A click on an ordinary link of this page becomes a step of the router; modified clicks stay the browser's. */
export function followLink(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = (event.target as Element | null)?.closest?.('a[href]');
  if (!(link instanceof HTMLAnchorElement) || link.target || link.origin !== location.origin || link.hasAttribute('download')) return;
  if (link.pathname.startsWith('/v1') || link.pathname === '/metrics') return;
  event.preventDefault();
  go(link.pathname + link.search);
}
