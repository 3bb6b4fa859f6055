/** Writes ranking data as SVMlight / LETOR `qid:` lines; zeros are left out, numbers are the shortest that read back equal. */
import { type RankingData, listCount, listMatrix } from '../training/ranking-data.ts';

/** Lines with their breaks, a list at a time. Column c of the data has index c + 1. */
export function* letorLines(data: RankingData, queryIdOf: (list: number) => string = String): Generator<string> {
  yield `# columns: ${data.names.map((name, column) => `${column + 1} ${JSON.stringify(name)}`).join(', ')}\n`;
  for (let list = 0; list < listCount(data); list++) {
    const { rows, columns, data: values } = listMatrix(data, list);
    const lines: string[] = [];
    for (let row = 0; row < rows; row++) {
      const parts = [`${data.grades[data.listStart[list] + row]} qid:${queryIdOf(list)}`];
      for (let column = 0; column < columns; column++) {
        const value = values[row * columns + column];
        if (value !== 0) parts.push(`${column + 1}:${shortest(value)}`);
      }
      lines.push(parts.join(' '));
    }
    yield `${lines.join('\n')}\n`;
  }
}

/** The shortest decimal that is this float32 again. */
function shortest(value: number): string {
  for (let digits = 1; digits < 9; digits++) {
    const text = value.toPrecision(digits);
    if (Math.fround(Number(text)) === value) return String(Number(text));
  }
  return String(value);
}
