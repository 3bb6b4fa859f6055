/** Full-text search over titles, descriptions and annotations (SQLite FTS5, bm25). */
import type { Database, Statement } from '../database.ts';
import type { Sequence } from '../log/sequence-store.ts';
import { indexedWordsOf, wordsOf } from './words.ts';

export const TEXT_TABLES = `
  CREATE VIRTUAL TABLE pin_text USING fts5(title, description, annotations,
    content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 2');
`;

/**
 * Version 4 of the tables of the catalogue: texts come as the words of `words.ts`, and the tokenizer only splits them at
 * blanks. It normalized the index in its own way before, so that words with marks it did not know were never found.
 */
export const WORD_TABLES = `
  DROP TABLE pin_text;
  CREATE VIRTUAL TABLE pin_text USING fts5(title, description, annotations, content='', contentless_delete=1, tokenize='ascii');
  INSERT OR REPLACE INTO numbers VALUES ('textsAreWords', 0);
`;
const TEXTS_ARE_WORDS = 'textsAreWords';

/** How much a word counts in the title, the description and the annotations. */
const BM25_WEIGHTS = '4.0, 1.0, 2.0';

interface TextMatch {
  readonly pinIndex: number;
  /** Higher is better (bm25 with its sign turned). */
  readonly score: number;
}

export class TextStore {
  private readonly database: Database;
  private readonly replace: Statement;
  private readonly find: Statement;

  constructor(database: Database) {
    this.database = database;
    this.replace = database.prepare('INSERT OR REPLACE INTO pin_text (rowid, title, description, annotations) VALUES (?, ?, ?, ?)');
    this.find = database.prepare(`SELECT t.rowid AS pinIndex, -bm25(pin_text, ${BM25_WEIGHTS}) AS score
      FROM pin_text t JOIN pins p ON p.pinIndex = t.rowid
      WHERE pin_text MATCH ? AND p.removed = 0 ORDER BY score DESC, t.rowid LIMIT +?`);
  }

  put(pinIndex: number, texts: readonly [string, string, string]): void {
    this.replace.run(pinIndex, ...texts.map((text) => indexedWordsOf(text).join(' ')));
  }

  /** Writes the index of a catalogue that was made before it held words: once, when it is opened. */
  fillAfterMigration(sequence: Sequence): void {
    if (this.database.readonly || sequence.number(TEXTS_ARE_WORDS) === 1) return;
    const rows = this.database
      .prepare('SELECT pinIndex, title, description, annotations FROM pins WHERE pinIndex >= +? ORDER BY pinIndex LIMIT 1000')
      .raw();
    this.database
      .transaction(() => {
        if (sequence.number(TEXTS_ARE_WORDS) === 1) return;
        for (let from = 0; ;) {
          const page = rows.all(from) as [number, string | null, string | null, string | null][];
          for (const [pinIndex, title, description, annotations] of page) {
            this.put(pinIndex, [title ?? '', description ?? '', Object.keys(JSON.parse(annotations ?? '{}') as object).join(' , ')]);
          }
          if (page.length === 0) break;
          from = page[page.length - 1][0] + 1;
        }
        sequence.setNumber(TEXTS_ARE_WORDS, 1);
      })
      .immediate();
  }

  /** Pins with any (or all) of the words of `text`, best first; nothing for a text without words. */
  search(text: string, limit: number, match: 'any' | 'all' = 'any'): TextMatch[] {
    const words = [...new Set(wordsOf(text))].slice(0, 64);
    if (words.length === 0) return [];
    const query = words.map((word) => `"${word}"`).join(match === 'any' ? ' OR ' : ' ');
    return this.find.all(query, limit) as TextMatch[];
  }
}
