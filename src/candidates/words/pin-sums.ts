import { copied } from '../../catalog/pins/sparse-rows.ts';
import { RowTable } from '../cooccurrence/row-table.ts';

/** A sum for each pin that was met. Memory follows how many are met, so that few of them stay in the processor's caches. */
export class PinSums {
  /** Pin and sum in each row below `count`. */
  pins = new Uint32Array(0);
  sums = new Float64Array(0);
  count = 0;
  private readonly rows = new RowTable();
  private room = 0;

  begin(): void {
    this.count = 0;
    this.room = 0;
    this.roomFor(0);
  }

  /** Makes room for so many more pins. */
  roomFor(more: number): void {
    const { count } = this;
    if (count + more <= this.room && this.room > 0) return;
    this.room = Math.max(count + more, 256);
    if (this.room > this.pins.length) {
      this.pins = copied(this.pins.subarray(0, count), new Uint32Array(2 * this.room));
      this.sums = copied(this.sums.subarray(0, count), new Float64Array(2 * this.room));
    }
    this.rows.begin(this.room);
    for (let row = 0; row < count; row++) this.rows.set(this.pins[row], row);
  }

  /** There is room for the pin. */
  add(pin: number, value: number): void {
    const row = this.rows.claim(pin, this.count);
    if (row < this.count) {
      this.sums[row] += value;
      return;
    }
    this.pins[row] = pin;
    this.sums[row] = value;
    this.count++;
  }

  has(pin: number): boolean {
    return this.rows.has(pin);
  }
}
