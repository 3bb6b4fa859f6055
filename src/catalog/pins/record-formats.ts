/** What each record may hold, in words: for docs/FORMATS.md and for the help of the jobs that read them. */
import { OTHER_NAMES } from '../readers/field-names.ts';
import {
  BOARD_SHAPE,
  CALLER_FIELDS_MAX,
  EVENT_SHAPE,
  EVENT_TYPES,
  FIELD_TEXT_LENGTH_MAX,
  type FieldKind,
  ID_LENGTH_MAX,
  PIN_SHAPE,
  type RecordShape,
  SAVE_SHAPE,
  TEXT_LENGTH_MAX,
  VALUE_MAX,
} from './records.ts';
import { MAP_ENTRIES_MAX } from './weight-map.ts';

const KINDS: Readonly<Record<FieldKind, string>> = {
  id: `text of at most ${ID_LENGTH_MAX} characters, or a whole number up to 2^53`,
  text: 'text',
  name: 'text; case and extra blanks do not count',
  map: `object of name to weight, or a list of names of weight 1, at most ${MAP_ENTRIES_MAX}; in a CSV cell JSON or "oak; chair"`,
  flag: 'true or false; also t, f, yes, no, 1, 0',
  time: 'ISO 8601, also with a blank and UTC, or a number since 1970: milliseconds, or seconds, told by size',
  position: 'whole number from 1',
  number: `number within ±${VALUE_MAX.toExponential().replace('+', '')}`,
};

/** A record, its shape, and the meaning of each of its fields. */
interface RecordFormat {
  readonly name: string;
  readonly file: string;
  readonly shape: RecordShape;
  readonly meanings: Readonly<Record<string, string>>;
  readonly note: string;
}

export const RECORD_FORMATS: readonly RecordFormat[] = [
  {
    name: 'pin',
    file: 'pins',
    shape: PIN_SHAPE,
    meanings: {
      id: 'names the pin',
      image: 'a path inside the image folder, or a web address',
      title: 'shown, searched and compared',
      description: 'searched',
      link: 'where a click leads; its domain is compared',
      annotations: 'terms and how much they say of the pin',
      categories: 'categories and weights; without it they come from the boards that hold the pin',
      buyable: 'may be bought; default false',
      createdAt: 'when it was made',
    },
    note: `Every other field is the caller's own and is kept: text up to ${FIELD_TEXT_LENGTH_MAX} characters, a number, true or false; at most ${CALLER_FIELDS_MAX} a pin. A CSV column that is wholly numbers with a decimal comma (\`48,00\`, \`1.234,50\`) becomes numbers; elsewhere such a number stays text, and the receipt says so. Lists return them (\`fields=\`) and filter by them (\`filter=\`). Lists and objects are left out and counted.`,
  },
  {
    name: 'board',
    file: 'boards',
    shape: BOARD_SHAPE,
    meanings: {
      id: 'names the board',
      title: 'shown',
      description: 'shown',
      ownerId: 'the user who made it',
      category: 'its category; pins without categories take those of their boards',
    },
    note: '',
  },
  {
    name: 'save',
    file: 'saves',
    shape: SAVE_SHAPE,
    meanings: {
      pinId: 'the pin; import it first',
      boardId: 'the board; import it first',
      userId: "who saved it; default: the board's owner",
      at: 'when; default: the time of arrival',
    },
    note: '',
  },
  {
    name: 'event',
    file: '',
    shape: EVENT_SHAPE,
    meanings: {
      eventId: 'names the event; a repeated one changes nothing',
      type: `${EVENT_TYPES.slice(0, -1).join(', ')} or ${EVENT_TYPES.at(-1)}`,
      recommendationId: 'of the list it happened on',
      pinId: 'the pin it happened to',
      position: 'its position on that list',
      userId: 'who did it',
      at: 'when; default: the time of arrival',
      reason: 'why, with hide',
      value: 'a number such as revenue, counted by the metrics of `metrics.json`, to the thousandth',
    },
    note: 'Events come over HTTP (`POST /v1/events`).',
  },
];

interface FormatRow {
  readonly field: string;
  readonly type: string;
  readonly required: boolean;
  readonly meaning: string;
  /** Other names under which files have it. */
  readonly spellings: readonly string[];
}

export function rowsOf({ file, shape, meanings }: RecordFormat): FormatRow[] {
  const others = Object.entries(OTHER_NAMES[file as keyof typeof OTHER_NAMES] ?? {});
  return Object.entries(shape.fields).map(([field, kind]) => ({
    field,
    type: Object.hasOwn(TEXT_LENGTH_MAX, field) && kind === 'text' ? `text of at most ${TEXT_LENGTH_MAX[field]} characters` : KINDS[kind],
    required: shape.required.includes(field),
    meaning: meanings[field] ?? '',
    spellings: others.filter(([, ours]) => ours === field).map(([name]) => name),
  }));
}

/** The formats of the records in a file of theirs, as lines for a terminal. */
export function formatsAsText(): string {
  const lines: string[] = ['Records (required fields are marked *):'];
  for (const format of RECORD_FORMATS.filter(({ file }) => file !== '')) {
    lines.push('', `  ${format.file}`);
    for (const { field, type, required, meaning } of rowsOf(format))
      lines.push(`    ${(field + (required ? ' *' : '')).padEnd(14)}${meaning} (${type})`);
    if (format.note) lines.push(`    ${format.note.replaceAll('`', '')}`);
  }
  return lines.join('\n');
}
