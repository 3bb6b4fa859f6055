/**
 * The values of a JSON file that is no JSON Lines: a list of objects, an object around such a list (`{"pins": [...]}`), or
 * objects over several lines. Values are separated by their brackets, so that a broken one costs itself only.
 */
const QUOTE = 0x22;
const COMMA = 0x2c;
const NEWLINE = 0x0a;
const BACKSLASH = 0x5c;

/** One value, as bytes. */
interface JsonValue {
  /** The line on which it begins. */
  readonly line: number;
  /** Null where it is longer than can be held. */
  readonly bytes: Buffer | null;
}

/** Whether a file that begins like this holds values that brackets separate. */
export function isListOfValues(head: string): boolean {
  const text = head.trimStart();
  if (text.startsWith('[')) return true;
  return WRAPPED.test(text) || /^\{\s*[\r\n]/.test(text) || ONE_LINE.test(text);
}

/** An object whose first member is a list of objects. */
const WRAPPED = /^\{\s*"[^"\\]*"\s*:\s*\[\s*\{/;

/** Objects beside each other without a line feed between them: a file whose lines end in carriage returns. */
const ONE_LINE = /^\{[^\n]*\}\s*\{[^\n]*$/;

/** Scans the bytes of a file, piece by piece. */
export class JsonValueScanner {
  private line = 1;
  private readonly bytesMax: number;
  /** Bracket depth at which values stand: 1 within a list, 0 beside each other. */
  private base = 0;
  private depth = 0;
  private inString = false;
  private escaped = false;
  private parts: Buffer[] = [];
  private length = 0;
  private startLine = 0;
  private within = false;
  private tooLong = false;
  private wrapped = false;
  private ended = false;

  /** A value of more than `bytesMax` bytes is not held. */
  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  /** Enters the list that the file begins with. Returns how many bytes belong to its opening. */
  open(head: string): number {
    const lead = head.length - head.trimStart().length;
    const wrapped = WRAPPED.exec(head.trimStart());
    const opening = wrapped ? lead + wrapped[0].lastIndexOf('[') + 1 : head[lead] === '[' ? lead + 1 : 0;
    this.wrapped = wrapped !== null;
    this.base = this.depth = opening > 0 ? 1 : 0;
    this.line += head.slice(0, opening).split('\n').length - 1;
    return opening;
  }

  /** True within a value or a list that has not ended. */
  get isOpen(): boolean {
    return !this.ended && (this.within || this.base === 1);
  }

  get openSince(): number {
    return this.within ? this.startLine : this.line;
  }

  /** The values that end in these bytes. */
  scan(bytes: Buffer): JsonValue[] {
    const values: JsonValue[] = [];
    let start = 0;
    for (let i = 0; i < bytes.length && !this.ended; i++) {
      const byte = bytes[i];
      if (this.inString) this.inText(byte);
      else {
        const isStart = !this.within && byte > 0x20 && byte !== COMMA && !(this.base === 1 && isClosing(byte) && this.depth === 1);
        if (isStart) {
          this.within = true;
          this.startLine = this.line;
          start = i;
        }
        if (byte === QUOTE) this.inString = true;
        else if (byte === 0x7b || byte === 0x5b) this.depth++;
        const closes = isClosing(byte);
        if (closes) this.depth--;
        const endsBefore =
          this.within &&
          this.depth <= this.base &&
          (byte === COMMA || (closes && this.depth < this.base) || (this.base === 0 && byte <= 0x20));
        const endsHere = this.within && closes && this.depth === this.base;
        if (endsBefore || endsHere) values.push(this.taken(bytes.subarray(start, endsHere ? i + 1 : i)));
        if (closes && this.depth < this.base) this.leaveList();
      }
      if (byte === NEWLINE) this.line++;
    }
    if (this.within) this.hold(bytes.subarray(start));
    return values;
  }

  private inText(byte: number): void {
    if (this.escaped) this.escaped = false;
    else if (byte === BACKSLASH) this.escaped = true;
    else if (byte === QUOTE) this.inString = false;
  }

  private hold(bytes: Buffer): void {
    this.length += bytes.length;
    if (this.length > this.bytesMax) this.tooLong = true;
    if (this.tooLong) this.parts = [];
    else this.parts.push(Buffer.from(bytes));
  }

  /** After a list come no more values of an object around it; beside a list others may follow. */
  private leaveList(): void {
    this.ended = this.wrapped;
    this.base = this.depth = 0;
  }

  private taken(last: Buffer): JsonValue {
    this.hold(last);
    const bytes = this.tooLong ? null : Buffer.concat(this.parts);
    this.parts = [];
    this.length = 0;
    this.within = false;
    this.tooLong = false;
    return { line: this.startLine, bytes };
  }
}

function isClosing(byte: number): boolean {
  return byte === 0x7d || byte === 0x5d;
}
