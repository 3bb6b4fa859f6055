/**
 * What an item adds to the volume of a window, for sliding spectrum decomposition (Huang, Wang, Zhang and Xu, "Sliding
 * Spectrum Decomposition for Diversified Recommendation", KDD 2021). Section 3 measures how varied a list is by the volume
 * that its windows span, and makes the list greedily: by Gram-Schmidt the volume grows with each item by the length of what
 * of its vector stands upright on the items before it in the window. Equation 12 (SSD*) adds that length itself to the
 * relevance, instead of the product of all lengths so far, which shrinks as a list grows:
 *
 *   next = argmax over items i of  relevance_i + weight x || v_i - projection of v_i on the window ||
 *
 * Ours differs in one thing. The paper's circular queue takes the oldest item's part back from vectors that were made upright
 * on it, so that what has left the window leaves a trace. Here each window is made upright afresh: what comes next depends on
 * the window alone, and a further page goes on from the last items of the page before.
 *
 * Vectors are known by their inner products only (likeness.ts): the lengths are the diagonal of a Cholesky factor. With m
 * items in the window a length costs m products and m^2 / 2 multiplications.
 */
export class SlidingVolume {
  private readonly most: number;
  /** Items of the window, oldest first. */
  private readonly items: number[] = [];
  private readonly product: (a: number, b: number) => number;
  /** Row r of the Cholesky factor of the window's products, at r * most. */
  private readonly factor: Float64Array;
  private readonly column: Float64Array;

  /** `most` items at once; `product` gives the inner product of two items, 1 of an item with itself. */
  constructor(most: number, product: (a: number, b: number) => number) {
    this.most = most;
    this.product = product;
    this.factor = new Float64Array(most * most);
    this.column = new Float64Array(most);
  }

  /** Takes an item in; the oldest leaves when the window is full. */
  push(item: number): void {
    if (this.most === 0) return;
    if (this.items.length === this.most) {
      this.items.shift();
      const kept = this.items.splice(0);
      for (const each of kept) this.append(each);
    }
    this.append(item);
  }

  private append(item: number): void {
    const at = this.items.length;
    const length = this.uprightOf(item);
    this.factor.set(this.column.subarray(0, at), at * this.most);
    this.factor[at * this.most + at] = length;
    this.items.push(item);
  }

  /** Length of what of an item stands upright on the window, 0..1. */
  uprightOf(item: number): number {
    const { items, factor, column, most } = this;
    let square = 1;
    for (let r = 0; r < items.length; r++) {
      let sum = this.product(item, items[r]);
      for (let k = 0; k < r; k++) sum -= factor[r * most + k] * column[k];
      const length = factor[r * most + r];
      // An item that lies in the span of those before it adds no direction.
      column[r] = length > LEAST ? sum / length : 0;
      square -= column[r] ** 2;
    }
    return square > LEAST * LEAST ? Math.sqrt(square) : 0;
  }
}

/** Shorter lengths are noise of rounding: of items within the span of a window the score alone decides. */
const LEAST = 1e-6;
