import type { ComponentChildren } from 'preact';

/** One column: its head, its class, and what stands in it in a row. */
interface Column<Row> {
  readonly head?: string;
  /** The head is for those who listen. */
  readonly silent?: boolean;
  /** Its cells name their rows. */
  readonly names?: boolean;
  readonly class?: string;
  readonly title?: (row: Row) => string | undefined;
  readonly cell: (row: Row) => ComponentChildren;
}

/** A table with a row for each of `rows`; without heads where no column has one. On a phone each row that has a name is a card. */
export function Table<Row>({
  columns,
  rows,
  keyOf = (_, at) => at,
}: {
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  keyOf?: (row: Row, at: number) => string | number;
}) {
  return (
    <table class={columns.some(({ names }) => names) ? 'cards' : undefined}>
      {columns.some(({ head }) => head !== undefined) && (
        <thead>
          <tr>
            {columns.map(({ head, silent, class: name }, at) => (
              <th key={at} class={name}>
                {silent ? <span class="visually-hidden">{head}</span> : head}
              </th>
            ))}
          </tr>
        </thead>
      )}
      <tbody>
        {rows.map((row, place) => (
          <tr key={keyOf(row, place)}>
            {columns.map(({ head, silent, names, class: name, title, cell }, at) =>
              names ? (
                <th key={at} scope="row" class={name}>
                  {cell(row)}
                </th>
              ) : (
                <td key={at} class={name} title={title?.(row)} data-head={silent ? undefined : head}>
                  {cell(row)}
                </td>
              ),
            )}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
