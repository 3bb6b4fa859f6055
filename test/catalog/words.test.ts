import { expect, test } from 'vitest';
import { openCatalog } from '../../src/catalog/pins/catalog-store.ts';
import { upsertBatch } from '../../src/catalog/pins/upsert.ts';
import { wordsOf } from '../../src/catalog/pins/words.ts';

const TITLES: Readonly<Record<string, string>> = {
  korean: '원목 식탁 세트',
  japanese: 'ソファーベッド二人用',
  chinese: '北欧风格实木书架',
  russian: 'зелёный чайник',
  greek: 'Ξύλινο τραπέζι',
  hindi: 'लकड़ी की अलमारी',
  hebrew: 'שֻׁלְחָן עֵץ',
  arabic: 'طَاوِلَة خشب',
  thai: 'เก้าอี้ไม้',
  ligature: 'oﬃce ﬁle',
  french: 'Café crème',
  german: 'Straße',
  halfwidth: 'ﾃｰﾌﾞﾙ',
  turkish: 'İzmir kilimi',
  vietnamese: 'bàn gỗ',
};

test.each([
  ['식탁', 'korean'],
  ['식탁'.normalize('NFD'), 'korean'],
  ['ベッド', 'japanese'],
  ['二人', 'japanese'],
  ['书架', 'chinese'],
  ['实木', 'chinese'],
  ['木', 'chinese'],
  ['зелёный', 'russian'],
  ['зеленый', 'russian'],
  ['ЧАЙНИК', 'russian'],
  ['чайник'.normalize('NFD'), 'russian'],
  ['ξυλινο', 'greek'],
  ['ΤΡΑΠΈΖΙ', 'greek'],
  ['अलमारी', 'hindi'],
  ['שולחן', null],
  ['שלחן', 'hebrew'],
  ['طاولة', 'arabic'],
  ['ไม้', 'thai'],
  ['office', 'ligature'],
  ['file', 'ligature'],
  ['cafe creme', 'french'],
  ['CRÈME', 'french'],
  ['strasse', 'german'],
  ['テーブル', 'halfwidth'],
  ['izmir', 'turkish'],
  ['gỗ', 'vietnamese'],
  ['go', 'vietnamese'],
  ['अलमारा', null],
  ['家具', null],
])('%s finds the title in %s', (query, language) => {
  const catalog = openCatalog(':memory:');
  const pins = Object.entries(TITLES).map(([id, title]) => ({ id, title }));
  upsertBatch(catalog, 'pins', pins, { now: Date.now(), folders: { images: '/i', data: '/d' } });
  const found = catalog.text.search(query, 10, 'all').map(({ pinIndex }) => catalog.pins.idOf(pinIndex));
  expect(found).toEqual(language === null ? [] : [language]);
  catalog.close();
});

test('words of spaced texts are words, of others pairs', () => {
  expect(wordsOf('Café-Table 2')).toEqual(['cafe', 'table', '2']);
  expect(wordsOf('北欧风格 IKEA椅')).toEqual(['北欧', '欧风', '风格', 'ikea', '椅']);
  expect(wordsOf('लकड़ी')).toHaveLength(1);
});

test('a catalog of before is indexed again when it is opened', () => {
  const catalog = openCatalog(':memory:');
  upsertBatch(catalog, 'pins', [{ id: 'a', title: '원목', annotations: { 식탁: 1 } }], {
    now: Date.now(),
    folders: { images: '/i', data: '/d' },
  });
  catalog.database.exec("DELETE FROM pin_text; INSERT OR REPLACE INTO numbers VALUES ('textsAreWords', 0)");
  expect(catalog.text.search('원목', 5)).toEqual([]);
  catalog.text.fillAfterMigration(catalog.sequence);
  expect(catalog.text.search('원목', 5)).toHaveLength(1);
  expect(catalog.text.search('식탁', 5)).toHaveLength(1);
  catalog.close();
});
