/**
 * Cards of pins as list items have them, in bytes of JSON, so that a reply is put together by copying:
 *
 *   {"pinId":"...","position":      the head, up to the numbers of the item
 *   ,"fields":{...}}                the rest, from behind its sources on
 *
 * They lie one behind another in room of a fixed size that is used again, so the oldest go first. A pin has one slot, by its
 * number; where two pins share a slot, the later one stays.
 */
const ROOM_BYTES = 10 << 20;
/** A power of two. Cards of 150 bytes fill the room with half as many. */
const SLOTS = 1 << 17;
const NOBODY = -1;

/** The numbers of a slot: side by side, so that a processor fetches them at once. */
const SLOT = { owner: 0, flags: 1, lap: 2, start: 3 } as const;
const SLOT_NUMBERS = 4;

/** Before each card stand the lengths of its head and of all of it, four bytes each. */
const LENGTHS_BYTES = 8;

const FIELDS = ',"fields":';

export class CardBytes {
  readonly bytes = Buffer.alloc(ROOM_BYTES);
  private readonly lengths = new Int32Array(this.bytes.buffer);
  private readonly slots = new Int32Array(SLOTS * SLOT_NUMBERS);
  /** How often the room was begun again. */
  private lap = 0;
  /** Where the next card goes, a multiple of four. */
  private end = 0;

  constructor() {
    this.forgetAll();
  }

  /** Whether the card of a pin is here, made when the pin had these flags. */
  has(pinIndex: number, flags: number): boolean {
    const { slots } = this;
    const slot = slotOf(pinIndex);
    if (slots[slot + SLOT.owner] !== pinIndex || slots[slot + SLOT.flags] !== flags) return false;
    const laps = this.lap - slots[slot + SLOT.lap];
    return laps === 0 || (laps === 1 && slots[slot + SLOT.start] >= this.end);
  }

  /** `pinId` and `fields` as JSON. */
  put(pinIndex: number, flags: number, pinId: string, fields: string): void {
    const card = Buffer.from(`{"pinId":${pinId},"position":${FIELDS}${fields}}`);
    const taken = (LENGTHS_BYTES + card.length + 3) & ~3;
    if (this.end + taken > ROOM_BYTES) {
      this.lap++;
      this.end = 0;
    }
    this.lengths[this.end >> 2] = card.length - Buffer.byteLength(fields) - FIELDS.length - 1;
    this.lengths[(this.end >> 2) + 1] = card.length;
    card.copy(this.bytes, this.end + LENGTHS_BYTES);
    const slot = slotOf(pinIndex);
    this.slots[slot + SLOT.owner] = pinIndex;
    this.slots[slot + SLOT.flags] = flags;
    this.slots[slot + SLOT.lap] = this.lap;
    this.slots[slot + SLOT.start] = this.end;
    this.end += taken;
  }

  forget(pinIndex: number): void {
    const slot = slotOf(pinIndex);
    if (this.slots[slot + SLOT.owner] === pinIndex) this.slots[slot + SLOT.owner] = NOBODY;
  }

  forgetAll(): void {
    this.slots.fill(NOBODY);
  }

  /** Where the card of a pin that is here begins. */
  startOf(pinIndex: number): number {
    return this.slots[slotOf(pinIndex) + SLOT.start] + LENGTHS_BYTES;
  }

  /** The length of the head of the card that begins at `start`. */
  headLengthAt(start: number): number {
    return this.lengths[(start - LENGTHS_BYTES) >> 2];
  }

  /** The length of the whole card that begins at `start`. */
  lengthAt(start: number): number {
    return this.lengths[((start - LENGTHS_BYTES) >> 2) + 1];
  }

  /** The fields of a pin that is here, as JSON. */
  fieldsOf(pinIndex: number): string {
    const start = this.startOf(pinIndex);
    return this.bytes.toString('utf8', start + this.headLengthAt(start) + FIELDS.length, start + this.lengthAt(start) - 1);
  }
}

function slotOf(pinIndex: number): number {
  return (pinIndex & (SLOTS - 1)) * SLOT_NUMBERS;
}
