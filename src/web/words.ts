/** Words that several pages share. */
import type { Item } from './api.ts';

/** "1 save", "12,400 saves". */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
}

/** What an item of a list is called; null for one without a title. */
export function titleOf({ title, fields }: Pick<Item, 'title' | 'fields'>): string | null {
  const text = title || fields?.title;
  return typeof text === 'string' && text !== '' ? text : null;
}

/** The same, or the pin's id where nothing better is known. */
export function nameOf(item: Pick<Item, 'title' | 'fields' | 'pinId'>): string {
  return titleOf(item) ?? `pin ${item.pinId}`;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** "5 minutes ago", "3 days ago"; a date for what is long past. `at` is epoch milliseconds or ISO 8601. */
export function ago(at: number | string): string {
  const ms = Date.now() - new Date(at).getTime();
  if (ms > 60 * DAY_MS) return new Date(at).toISOString().slice(0, 10);
  if (ms < MINUTE_MS) return 'just now';
  if (ms < HOUR_MS) return `${counted(Math.floor(ms / MINUTE_MS), 'minute')} ago`;
  if (ms < 2 * DAY_MS) return `${counted(Math.floor(ms / HOUR_MS), 'hour')} ago`;
  return `${counted(Math.floor(ms / DAY_MS), 'day')} ago`;
}

/** "12.4 MiB". */
export function bytesText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let at = 0;
  for (; value >= 1024 && at < units.length - 1; at++) value /= 1024;
  return `${at === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[at]}`;
}
