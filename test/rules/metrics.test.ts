import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const SOURCES = ['src/api/shell/metrics.ts', 'src/api/shell/state-metrics.ts', 'src/nodes/node-app.ts'];
const exported = new Set(
  [
    ...SOURCES.map(read)
      .join('')
      .matchAll(/name\('([a-z_]+)'\)/g),
  ].map((match) => `related_pins_${match[1]}`),
);
const BESIDES = /_(bucket|count|sum)$/;

describe('metrics', () => {
  it('docs/OPERATIONS.md lists every metric the service exports, and no other', () => {
    const listed = [...read('docs/OPERATIONS.md').matchAll(/^\| `(related_pins_[a-z_]+)` \|/gm)].map((match) => match[1]);
    expect(listed.sort()).toEqual([...exported].sort());
  });

  it('the dashboard shows only metrics that exist, and all of them', () => {
    const shown = new Set(
      [...read('deploy/grafana-dashboard.json').matchAll(/related_pins_[a-z_]+/g)].map((match) => match[0].replace(BESIDES, '')),
    );
    expect([...shown].sort()).toEqual([...exported].sort());
  });
});
