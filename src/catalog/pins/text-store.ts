/** Full-text search over titles, descriptions and annotations (SQLite FTS5, bm25). */
import type { Database, Statement } from '../database.ts';
import { wordsOf } from './words.ts';

export const TEXT_TABLES = `
  CREATE VIRTUAL TABLE pin_text USING fts5(title, description, annotations,
    content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 2');
`;

/** How much a word counts in the title, the description and the annotations. */
const BM25_WEIGHTS = '4.0, 1.0, 2.0';

export interface TextMatch {
  readonly pinIndex: number;
  /** Higher is better (bm25 with its sign turned). */
  readonly score: number;
}

export class TextStore {
  private readonly replace: Statement;
  private readonly find: Statement;

  constructor(database: Database) {
    this.replace = database.prepare('INSERT OR REPLACE INTO pin_text (rowid, title, description, annotations) VALUES (?, ?, ?, ?)');
    this.find = database.prepare(`SELECT t.rowid AS pinIndex, -bm25(pin_text, ${BM25_WEIGHTS}) AS score
      FROM pin_text t JOIN pins p ON p.pinIndex = t.rowid
      WHERE pin_text MATCH ? AND p.removed = 0 ORDER BY score DESC, t.rowid LIMIT ?`);
  }

  put(pinIndex: number, [title, description, annotations]: readonly [string, string, string]): void {
    this.replace.run(pinIndex, title, description, annotations);
  }

  /** Pins with any (or all) of the words of `text`, best first; nothing for a text without words. */
  search(text: string, limit: number, match: 'any' | 'all' = 'any'): TextMatch[] {
    const words = [...new Set(wordsOf(text))].slice(0, 64);
    if (words.length === 0) return [];
    const query = words.map((word) => `"${word}"`).join(match === 'any' ? ' OR ' : ' ');
    return this.find.all(query, limit) as TextMatch[];
  }
}
