/** The class of each pin's dominant object by a number, so that a thousand pins can be asked about without touching their objects. */
export class ObjectLabels {
  private readonly names: (string | null)[] = [null];
  private readonly numbers = new Map<string | null, number>([[null, 0]]);
  private ofPin = new Uint16Array(256);

  set(pinIndex: number, label: string | null): void {
    let number = this.numbers.get(label);
    if (number === undefined) {
      number = this.names.push(label) - 1;
      this.numbers.set(label, number);
    }
    if (pinIndex >= this.ofPin.length) {
      const grown = new Uint16Array(Math.max(pinIndex + 1, this.ofPin.length * 2));
      grown.set(this.ofPin);
      this.ofPin = grown;
    }
    this.ofPin[pinIndex] = number;
  }

  of(pinIndex: number): string | null {
    return pinIndex >= 0 && pinIndex < this.ofPin.length ? this.names[this.ofPin[pinIndex]] : null;
  }
}
