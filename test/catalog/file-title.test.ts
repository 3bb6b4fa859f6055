import { expect, test } from 'vitest';
import { titleOfFile, titleOfFolder } from '../../src/catalog/pins/file-title.ts';

test.each([
  ['oak-chair_2', 'oak chair 2'],
  ['Blue  dress', 'Blue dress'],
  ['cafe\u0301', 'café'],
  ['t-shirt-099de1d5-7422-4f2c-8f5a-0123456789ab', 't shirt'],
  ['099de1d5-7422-4f2c-8f5a-0123456789ab', null],
  ['d41d8cd98f00b204e9800998ecf8427e', null],
  ['vase d41d8cd98f00b204e9800998ecf8427e', 'vase'],
  ['x7Gh2kL9qQ4z', null],
  ['IMG_1234', null],
  ['DSC0001', null],
  ['PXL_20240103_101112345', null],
  ['IMG_1234 red boat', '1234 red boat'],
  ['402.177.95', null],
  ['1984', null],
  ['Venice 1984', 'Venice 1984'],
  ['deadbeef', 'deadbeef'],
  ['facade', 'facade'],
  ['Schöne-Straße', 'Schöne Straße'],
  ['猫', '猫'],
])('a file called %j has the title %j', (stem, title) => {
  expect(titleOfFile(stem)).toBe(title);
});

test('a folder is named by its path, with the hyphens of its words', () => {
  expect(titleOfFolder('t-shirt')).toBe('t-shirt');
  expect(titleOfFolder('trips/2024_norway')).toBe('trips / 2024 norway');
});
