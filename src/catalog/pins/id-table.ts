/**
 * Ids of dense ordinals without a JavaScript object per id: UTF-8 bytes in one pool and an open-addressing table
 * (linear probing, at most half full). A million ids of 20 bytes take about 36 MB.
 */
export class IdTable {
  private bytes: Buffer = Buffer.alloc(1 << 12);
  private ends = new Uint32Array(1 << 8);
  private slots = new Int32Array(1 << 9).fill(-1);
  private size = 0;
  /** The bytes of the id being looked for. */
  private wanted: Buffer = Buffer.alloc(1024);

  get count(): number {
    return this.size;
  }

  /** Everything there is, for `restore`. Views, not copies. */
  parts(): { readonly bytes: Uint8Array; readonly ends: Uint32Array; readonly slots: Int32Array } {
    const length = this.size === 0 ? 0 : this.ends[this.size - 1];
    return {
      bytes: new Uint8Array(this.bytes.buffer, this.bytes.byteOffset, length),
      ends: this.ends.subarray(0, this.size),
      slots: this.slots,
    };
  }

  /** Takes over the parts of another table; they belong to this one from now on. */
  restore({
    bytes,
    ends,
    slots,
  }: {
    readonly bytes: Uint8Array<ArrayBuffer>;
    readonly ends: Uint32Array<ArrayBuffer>;
    readonly slots: Int32Array<ArrayBuffer>;
  }): void {
    this.size = ends.length;
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.ends = ends.length === 0 ? new Uint32Array(1 << 8) : ends;
    this.slots = slots;
  }

  /** Adds the next id; its ordinal is the count before. Whether it is there already is not looked at. */
  add(id: string): number {
    const start = this.size === 0 ? 0 : this.ends[this.size - 1];
    const end = start + Buffer.byteLength(id);
    if (end > this.bytes.length) this.bytes = grownBytes(this.bytes, end);
    if (this.size === this.ends.length) this.ends = grownEnds(this.ends);
    this.bytes.write(id, start);
    this.ends[this.size] = end;
    if (2 * this.size >= this.slots.length) this.rehash();
    this.slots[this.freeSlot(this.bytes, start, end)] = this.size;
    return this.size++;
  }

  /** The ordinal of an id, -1 when unknown. */
  indexOf(id: string): number {
    const length = this.take(id);
    const { wanted } = this;
    const mask = this.slots.length - 1;
    for (let slot = hashOf(wanted, 0, length) & mask; ; slot = (slot + 1) & mask) {
      const index = this.slots[slot];
      if (index < 0) return -1;
      const start = index === 0 ? 0 : this.ends[index - 1];
      if (this.ends[index] - start === length && this.isAt(start, length)) return index;
    }
  }

  /** Puts an id's bytes into `wanted`; returns how many. Most ids are short and plain: a call out of the engine would cost more. */
  private take(id: string): number {
    if (this.wanted.length < id.length * 3) this.wanted = Buffer.alloc(id.length * 3);
    const { wanted } = this;
    for (let i = 0; i < id.length; i++) {
      const code = id.charCodeAt(i);
      if (code > 127) return wanted.write(id);
      wanted[i] = code;
    }
    return id.length;
  }

  private isAt(start: number, length: number): boolean {
    const { bytes, wanted } = this;
    for (let i = 0; i < length; i++) if (bytes[start + i] !== wanted[i]) return false;
    return true;
  }

  /** Throws RangeError for an ordinal that was not given out. */
  idOf(index: number): string {
    if (!(index >= 0 && index < this.size)) throw new RangeError(`index: expected 0..${this.size - 1}, got ${index}`);
    return this.bytes.toString('utf8', index === 0 ? 0 : this.ends[index - 1], this.ends[index]);
  }

  private freeSlot(bytes: Buffer, start: number, end: number): number {
    const mask = this.slots.length - 1;
    let slot = hashOf(bytes, start, end) & mask;
    while (this.slots[slot] >= 0) slot = (slot + 1) & mask;
    return slot;
  }

  private rehash(): void {
    this.slots = new Int32Array(this.slots.length * 2).fill(-1);
    for (let index = 0; index < this.size; index++) {
      const start = index === 0 ? 0 : this.ends[index - 1];
      this.slots[this.freeSlot(this.bytes, start, this.ends[index])] = index;
    }
  }
}

/** FNV-1a, 32 bits, with a final mix so that the low bits are good. */
function hashOf(bytes: Buffer, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}

function grownBytes(bytes: Buffer, needed: number): Buffer {
  const grown = Buffer.alloc(Math.max(needed, bytes.length * 2));
  bytes.copy(grown);
  return grown;
}

function grownEnds(ends: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const grown = new Uint32Array(ends.length * 2);
  grown.set(ends);
  return grown;
}
