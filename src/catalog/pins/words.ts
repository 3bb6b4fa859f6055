/** The words of a text: lower case, without marks on letters, letters and digits only. "Café-Table 2" is cafe, table, 2. */
export function wordsOf(text: string): string[] {
  if (/^[\x20-\x7e]*$/.test(text)) return text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  return (
    text
      .normalize('NFKD')
      .replace(/\p{M}/gu, '')
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? []
  );
}
