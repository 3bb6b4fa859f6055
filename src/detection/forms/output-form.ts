/**
 * The contract of an output form: how the tensors of one family of detectors become boxes. A form only reads numbers;
 * where the image lay in the net's input, thresholds and suppression are not its business.
 */

/** One output of a net, as a session returns it, with its name. */
export interface OutputTensor {
  readonly name: string;
  readonly dims: readonly number[];
  readonly data: ArrayLike<number | bigint>;
}

/** The part of a manifest that says where a role's numbers are and how they are to be read. */
export interface OutputRole {
  readonly tensor: string;
  /** Of boxes: order and unit, e.g. `x1 y1 x2 y2, fractions of the image`. */
  readonly format?: string;
  /** Of labels (of score columns, where these are the labels): the number that means `labels[0]`. Smaller ones mean background and are dropped. */
  readonly firstLabel?: number;
  /** Of scores: what is applied before they are read. */
  readonly activation?: 'none' | 'sigmoid' | 'softmax';
  /** Of nets that cut the image into cells: pixels a cell. */
  readonly stride?: number;
}

export type OutputRoles = Readonly<Record<string, OutputRole>>;

/** What a form gets beside the tensors. */
export interface DecodeSettings {
  readonly roles: OutputRoles;
  readonly inputWidth: number;
  readonly inputHeight: number;
  readonly labelCount: number;
  /** Boxes scored below are left out. */
  readonly scoreFloor: number;
  /** Cells or anchors whose objectness is below are left out, in forms that have one. */
  readonly objectnessMin?: number;
}

/** Boxes of one image: corners in fractions of the net's input (not yet of the image), in no order. */
export interface DecodedBoxes {
  readonly count: number;
  /** count x 4: x1, y1, x2, y2. */
  readonly corners: Float64Array;
  readonly labels: Int32Array;
  readonly scores: Float64Array;
}

/** What a form makes of a net it never saw: the roles it would read, or null when the outputs are not its own. */
export interface Recognition {
  readonly roles: OutputRoles;
  /** Number of labels the outputs have room for; null when they do not say (labels come as numbers). */
  readonly labelCount: number | null;
  /** Why this form, for the person who confirms it. */
  readonly why: string;
  /** What the picture's values left open and was assumed as usual for the form; absent: nothing. */
  readonly assumed?: readonly string[];
  /** The number of the first label is the form's usual one: label numbers do not say. */
  readonly firstLabelAssumed?: boolean;
  /** Boxes have an objectness beside the scores of their labels. */
  readonly objectness?: boolean;
}

export interface OutputForm {
  readonly name: string;
  decode(outputs: readonly OutputTensor[], settings: DecodeSettings): DecodedBoxes;
  /** Judges names, shapes and the values that one image gave. */
  recognize(outputs: readonly OutputTensor[], input: { readonly width: number; readonly height: number }): Recognition | null;
}

/** The tensor that plays `role`; a missing one is refused by name. */
export function tensorOf(outputs: readonly OutputTensor[], roles: OutputRoles, role: string): OutputTensor {
  const wanted = roles[role]?.tensor;
  const found = outputs.find((output) => output.name === wanted);
  if (!found) {
    const there = outputs.map((output) => output.name).join(', ');
    throw new RangeError(`output ${role}: expected tensor ${wanted ?? '(not named in the manifest)'}, got ${there}`);
  }
  return found;
}

/** Collects boxes while a form reads its tensors. */
export class BoxCollector {
  private readonly corners: number[] = [];
  private readonly labels: number[] = [];
  private readonly scores: number[] = [];
  private readonly settings: DecodeSettings;

  constructor(settings: DecodeSettings) {
    this.settings = settings;
  }

  /** Adds one box unless its score is under the floor or its label is none of the net's. */
  add(x1: number, y1: number, x2: number, y2: number, label: number, score: number): void {
    if (!(score >= this.settings.scoreFloor) || label < 0 || label >= this.settings.labelCount) return;
    this.corners.push(x1, y1, x2, y2);
    this.labels.push(label);
    this.scores.push(score);
  }

  done(): DecodedBoxes {
    return {
      count: this.labels.length,
      corners: Float64Array.from(this.corners),
      labels: Int32Array.from(this.labels),
      scores: Float64Array.from(this.scores),
    };
  }
}

/** Divisors that turn a role's box numbers into fractions of the input. */
export function unitOf(role: OutputRole | undefined, settings: DecodeSettings): readonly [number, number] {
  return role?.format?.includes('pixels') ? [settings.inputWidth, settings.inputHeight] : [1, 1];
}

export function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

/** Smallest and largest value; [0, 0] of nothing. */
export function rangeOf(data: ArrayLike<number | bigint>): readonly [number, number] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < data.length; i++) {
    const value = Number(data[i]);
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return data.length === 0 ? [0, 0] : [low, high];
}

/** Dimensions without leading ones: [1, 100, 4] and [100, 4] are read alike. A lone row keeps its last dimension. */
export function withoutBatch(dims: readonly number[], rank: number): readonly number[] {
  let from = 0;
  while (dims.length - from > rank && dims[from] === 1) from++;
  return dims.slice(from);
}

/** Whether all numbers are whole, as labels are. */
export function allWhole(data: ArrayLike<number | bigint>): boolean {
  for (let i = 0; i < data.length; i++) if (!Number.isInteger(Number(data[i]))) return false;
  return true;
}

/** Share of rows (four numbers each) that read as corners: x1 <= x2 and y1 <= y2. 1 when there are none. */
export function cornerShare(data: ArrayLike<number | bigint>): number {
  const rows = Math.floor(data.length / 4);
  let corners = 0;
  for (let row = 0; row < rows; row++) {
    if (Number(data[4 * row]) <= Number(data[4 * row + 2]) && Number(data[4 * row + 1]) <= Number(data[4 * row + 3])) corners++;
  }
  return rows === 0 ? 1 : corners / rows;
}
