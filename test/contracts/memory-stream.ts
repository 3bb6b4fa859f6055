import { type EventStream, KEPT, type StreamEntry } from '../../src/event-stream.ts';

/** The twin in this process, for one consumer. */
export function memoryStream(): EventStream {
  let next = 0;
  const waiting: StreamEntry[] = [];
  const taken = new Map<string, StreamEntry>();
  return {
    async publish(values) {
      for (const value of values) waiting.push({ id: String(++next), value });
      waiting.splice(0, Math.max(0, waiting.length - KEPT));
      return true;
    },
    async take(count) {
      const entries = waiting.splice(0, count);
      for (const entry of entries) taken.set(entry.id, entry);
      return entries;
    },
    async acknowledge(ids) {
      for (const id of ids) taken.delete(id);
    },
    lag: async () => waiting.length + taken.size,
    async remove(isGone) {
      const before = waiting.length;
      waiting.splice(0, before, ...waiting.filter(({ value }) => !isGone(value)));
      return before - waiting.length;
    },
    problem: () => null,
    close() {
      waiting.length = 0;
    },
  };
}
