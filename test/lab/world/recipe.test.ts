import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { CATEGORIES } from '../../../lab/world/latents.ts';
import { DEFAULT_WORLD, makeRecipe, type WorldSize } from '../../../lab/world/recipe.ts';
import { boardLine, pinLine } from '../../../lab/world/texts.ts';

const small: WorldSize = { kind: 'planted', seed: 1, pins: 300, boards: 50, users: 60 };
const digest = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16);

describe('recipe of a world', () => {
  it('is the same to the byte for the same seed, another for another', () => {
    expect(digest(makeRecipe(small))).toBe(digest(makeRecipe(small)));
    expect(digest(makeRecipe({ ...small, seed: 2 }))).not.toBe(digest(makeRecipe(small)));
  });

  it('is the same on every machine (frozen digest)', () => {
    expect(digest(makeRecipe(small))).toBe('edc46ae431a1d770');
  });

  it('has pins in every category, boards that hold pins, and near-duplicates', () => {
    const { pins, boards, users } = makeRecipe(DEFAULT_WORLD);
    expect([pins.length, boards.length, users.length]).toEqual([2400, 400, 800]);
    expect(new Set(pins.map(({ felt }) => felt.category)).size).toBe(CATEGORIES.length);
    expect(boards.every((board) => board.pins.length >= 12)).toBe(true);
    expect(new Set(boards.map(({ kind }) => kind))).toEqual(new Set(['topic', 'look', 'mixed', 'drifting']));
    expect(pins.filter(({ group }) => group >= 0).length).toBeGreaterThan(100);
  });

  it('deals pictures anew in the null world only, and leaves everything else as it is', () => {
    const planted = makeRecipe(small);
    const none = makeRecipe({ ...small, kind: 'null' });
    expect(planted.pins.every(({ picture }, i) => picture === i)).toBe(true);
    expect(none.pins.filter(({ picture }, i) => picture === i).length).toBeLessThan(10);
    expect(new Set(none.pins.map(({ picture }) => picture)).size).toBe(small.pins);
    expect(none.pins.map(({ felt }) => felt)).toEqual(planted.pins.map(({ felt }) => felt));
    expect(none.boards).toEqual(planted.boards);
  });

  it('gives noisy words, some missing, some things to buy', () => {
    const recipe = makeRecipe({ ...small, pins: 1000 });
    const lines = recipe.pins.map((_, i) => pinLine(recipe, i));
    const share = (has: (line: Record<string, unknown>) => boolean): number => lines.filter(has).length / lines.length;
    expect(share((line) => line.title === undefined)).toBeGreaterThan(0.02);
    expect(share((line) => line.annotations === undefined)).toBeGreaterThan(0.02);
    expect(share((line) => line.categories === undefined)).toBeGreaterThan(0.08);
    expect(share((line) => line.buyable === true)).toBeGreaterThan(0.1);
    expect(recipe.boards.map((board) => boardLine(recipe, board)).every((line) => typeof line.title === 'string')).toBe(true);
  });
});
