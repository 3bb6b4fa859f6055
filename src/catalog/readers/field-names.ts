/** Which field a column of somebody's file is: as `--map` says, by its own name, or by another spelling of it. */
import type { CatalogKind } from '../pins/source-row.ts';
import { BOARD_SHAPE, PIN_SHAPE, type RecordShape, SAVE_SHAPE } from '../pins/records.ts';

const SHAPES: Readonly<Record<CatalogKind, RecordShape>> = { pins: PIN_SHAPE, boards: BOARD_SHAPE, saves: SAVE_SHAPE };

/** Names that other programs use, by kind, without case and separators. A spelling of the field itself needs no entry. */
export const OTHER_NAMES: Readonly<Record<CatalogKind, Readonly<Record<string, string>>>> = {
  pins: {
    pinid: 'id',
    itemid: 'id',
    productid: 'id',
    imageurl: 'image',
    imagelink: 'image',
    imagepath: 'image',
    imagefile: 'image',
    tags: 'annotations',
    keywords: 'annotations',
    availability: 'buyable',
    instock: 'buyable',
  },
  boards: { boardid: 'id', name: 'title', userid: 'ownerId', owner: 'ownerId' },
  saves: {
    pin: 'pinId',
    itemid: 'pinId',
    productid: 'pinId',
    board: 'boardId',
    user: 'userId',
    createdat: 'at',
    savedat: 'at',
    timestamp: 'at',
  },
};

export class FieldNames {
  readonly shape: RecordShape;
  private readonly mapped: ReadonlyMap<string, string>;
  private readonly spellings: ReadonlyMap<string, string>;
  private readonly tell: (theirs: string, field: string) => void;
  private readonly known = new Map<string, string>();

  /** `mapped`: their name to ours; `tell` is called once for each column that goes by another name. */
  constructor(kind: CatalogKind, mapped: ReadonlyMap<string, string> = new Map(), tell: FieldNames['tell'] = () => undefined) {
    this.shape = SHAPES[kind];
    this.mapped = mapped;
    this.spellings = new Map([
      ...Object.entries(OTHER_NAMES[kind]),
      ...Object.keys(this.shape.fields).map((field) => [plain(field), field] as const),
    ]);
    this.tell = tell;
  }

  /** Ours for each of their names; a name that is no field stays. A field that is there under its own name is taken from there. */
  of(theirs: readonly string[]): readonly string[] {
    if (this.mapped.size === 0 && theirs.every((name) => this.isField(name))) return theirs;
    const ours = this.matched(theirs);
    ours.forEach((field, i) => this.note(theirs[i], field));
    return ours;
  }

  /** How many of their names are fields. */
  countFields(theirs: readonly string[]): number {
    return this.matched(theirs).filter((name) => this.isField(name)).length;
  }

  /** A record with our names; the record itself where it has no others. */
  renamed(value: unknown): unknown {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    const theirs = Object.keys(value);
    const ours = this.of(theirs);
    if (ours === theirs || ours.every((name, i) => name === theirs[i])) return value;
    return Object.fromEntries(ours.map((name, i) => [name, (value as Record<string, unknown>)[theirs[i]]]));
  }

  private isField(name: string): boolean {
    return Object.hasOwn(this.shape.fields, name);
  }

  private matched(theirs: readonly string[]): readonly string[] {
    const told = theirs.map((name) => this.mapped.get(name));
    const own = theirs.map((name, i) => told[i] ?? (this.isField(name) && !told.includes(name) ? name : undefined));
    const taken = new Set(own);
    return theirs.map((name, i) => {
      const field = own[i] ?? this.spellings.get(plain(name));
      if (field === undefined || (own[i] === undefined && taken.has(field))) return this.isField(name) ? `${name} (2)` : name;
      taken.add(field);
      return field;
    });
  }

  private note(theirs: string, field: string): void {
    if (theirs === field || !this.isField(field) || this.known.has(theirs)) return;
    this.known.set(theirs, field);
    this.tell(theirs, field);
  }
}

/** Without case and separators: `image_url`, `Image URL` and `imageUrl` are one name. */
function plain(name: string): string {
  return name.toLowerCase().replace(/[^\p{Letter}\p{Number}]/gu, '');
}
