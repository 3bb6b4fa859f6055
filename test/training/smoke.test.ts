import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { readNet } from '../../src/vision/net-manifest.ts';

/** A Python with data/nets/training/requirements.txt. */
const PYTHON = process.env.RELATED_PINS_TRAINING_PYTHON ?? '';
const there = PYTHON !== '' && existsSync(PYTHON);

it.skipIf(!there)(
  `both nets are trained, exported, imported and measured on drawn photos${there ? '' : ' (skipped: RELATED_PINS_TRAINING_PYTHON names no Python)'}`,
  { timeout: 900_000 },
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'training-'));
    try {
      const script = fileURLToPath(new URL('../../data/nets/training/smoke.py', import.meta.url));
      const told = execFileSync(PYTHON, [script, folder], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
      expect(told).toMatch(/kept P@10 \d\.\d{3}/);
      expect(told).toMatch(/detector after a few steps: mAP@0\.5 \d\.\d{3} on 40 photos/);
      const { fc6, fc8 } = readNet(join(folder, 'nets', 'finetuned')).manifest.outputs;
      expect([fc6.length, fc8.length]).toEqual([1024, expect.any(Number)]);
      expect(readNet(join(folder, 'nets', 'detector')).manifest.kind).toBe('detector');
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);
