const COMMA = 0x2c;
const CLOSE = 0x5d;
const FIRST_BYTES = 32 << 10;
const SHORT_BYTES = 16;

/** Text that is put together piece by piece: its bytes, in room that is used for the next text as well. */
export class TextBytes {
  private bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  private length = 0;

  clear(): void {
    this.length = 0;
  }

  add(text: string): void {
    this.reserve(text.length * 3);
    this.length += this.bytes.write(text, this.length);
  }

  addByte(byte: number): void {
    this.reserve(1);
    this.bytes[this.length++] = byte;
  }

  addBytes(from: Buffer, start = 0, end = from.length): void {
    this.reserve(end - start);
    // A call out of the engine costs as much as so many bytes.
    if (end - start > SHORT_BYTES) this.length += from.copy(this.bytes, this.length, start, end);
    else for (let at = start; at < end; at++) this.bytes[this.length++] = from[at];
  }

  /** Adds what stands in `list`, a list of numbers as JSON, from `at` to the next comma or the end; returns where the next begins. */
  addNumber(list: string, at: number): number {
    this.reserve(list.length - at);
    const { bytes } = this;
    let { length } = this;
    for (;;) {
      const code = list.charCodeAt(at++);
      if (code === COMMA || code === CLOSE) break;
      bytes[length++] = code;
    }
    this.length = length;
    return at;
  }

  toString(): string {
    return this.bytes.toString('utf8', 0, this.length);
  }

  private reserve(bytes: number): void {
    if (this.length + bytes <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.length + bytes, this.bytes.length * 2));
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
  }
}
