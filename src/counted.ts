/** A number with its word: "1 label", "3 labels", "0 queries". Pages, which import nothing of the program, have one of their own. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
