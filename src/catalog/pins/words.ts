/**
 * The words of a text, for the search index, for queries and for title vectors alike: compatibility forms folded ("oﬃce" is
 * office), lower case, no accents on letters of scripts that write them beside the letter ("Café" is cafe, "зелёный" is
 * зеленыи), vowel signs of others kept. Texts without blanks between words (Chinese, Japanese, Thai) become pairs of
 * neighboring characters, so that any part of two characters or more is found.
 */
export function wordsOf(text: string): string[] {
  if (/^[\x20-\x7e]*$/.test(text)) return text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  return runsOf(text).flatMap((run) => (isUnspaced(run) ? pairsOf(run) : [run]));
}

/** The same, and every single character of unspaced texts: what a query of one character looks for. */
export function indexedWordsOf(text: string): string[] {
  if (/^[\x20-\x7e]*$/.test(text)) return wordsOf(text);
  return runsOf(text).flatMap((run) => (isUnspaced(run) ? [...new Set([...pairsOf(run), ...charactersOf(run)])] : [run]));
}

/** Letters, digits and the signs on them; a script without blanks stands apart from others. */
const RUN =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\u30fc]+|[\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]+|[\p{L}\p{N}\p{M}]/gu;
const UNSPACED =
  /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\u30fc]/u;
/** Signs on letters of these scripts are accents, points or stress: people leave them out. */
const ACCENTS = /(?<=[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{Script=Hebrew}\p{Script=Arabic}]\p{M}*)\p{M}/gu;

function runsOf(text: string): string[] {
  const folded = text
    .normalize('NFKD')
    .toUpperCase()
    .toLowerCase()
    .normalize('NFKD')
    .replace(ACCENTS, '')
    .replaceAll('ς', 'σ')
    .normalize('NFC');
  const runs: string[] = [];
  let end = -1;
  for (const { 0: piece, index } of folded.matchAll(RUN)) {
    const joins = end === index && !isUnspaced(piece) && runs.length > 0 && !isUnspaced(runs[runs.length - 1]);
    if (joins) runs[runs.length - 1] += piece;
    else if (!/^\p{M}$/u.test(piece)) runs.push(piece);
    end = index + piece.length;
  }
  return runs;
}

function isUnspaced(run: string): boolean {
  return UNSPACED.test(run);
}

/** Characters with the signs on them. */
function charactersOf(run: string): string[] {
  return run.match(/\P{M}\p{M}*/gu) ?? [];
}

function pairsOf(run: string): string[] {
  const characters = charactersOf(run);
  return characters.length < 2 ? characters : characters.slice(1).map((character, i) => characters[i] + character);
}
