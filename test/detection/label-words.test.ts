import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { groupOfLabel, LABEL_WORD_GROUPS, labelWord, PARTICULARS } from '../../src/detection/label-words.ts';
import { bundledNet } from '../../src/vision/net-folder.ts';

const labelsOf = (name: string): string[] =>
  (JSON.parse(readFileSync(join(bundledNet(`detectors/${name}`), 'manifest.json'), 'utf8')) as { labels: string[] }).labels;

it('calls one thing by one plain word, whatever a net calls it', () => {
  expect(['footwear', 'boot', 'High Heels', 'shoe'].map(labelWord)).toEqual(['shoe', 'shoe', 'shoe', 'shoe']);
  expect(['diningtable', 'desk', 'coffee_table'].map(labelWord)).toEqual(['table', 'table', 'table']);
  expect(labelWord('teapot')).toBe('teapot');
});

it('a word is its own word, and so are all that groups and general words name', () => {
  const named = [...Object.values(LABEL_WORD_GROUPS).flat(), ...Object.keys(PARTICULARS), ...Object.values(PARTICULARS).flat()];
  for (const word of named) expect(labelWord(word)).toBe(word);
});

it('every garment of the fashion detector is fashion; cars, cups and people of the everyday detector are told apart', () => {
  const groups = (name: string) => new Set(labelsOf(name).map(groupOfLabel));
  expect([...groups('fashion')].sort()).toEqual(['fashion', 'home']);
  expect(['car', 'vehicle', 'mug', 'high heels', 'person'].map(groupOfLabel)).toEqual(['vehicles', 'vehicles', 'home', 'fashion', null]);
});
