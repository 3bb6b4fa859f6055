/** Writes small ONNX files for tests: nodes, seeded weights, inputs, outputs. Field numbers as in onnx.proto. */
import protobuf from 'protobufjs/minimal.js';
import { seededRandom } from '../../src/math/random.ts';
import { toFloat16 } from '../../src/vision/float16.ts';

export type Dim = number | string;
type Attribute = number | readonly number[] | string | { readonly float: number } | { readonly graph: Uint8Array };

export interface GraphOptions {
  readonly opset?: number;
  readonly producer?: string;
  readonly name?: string;
  /** 1 float, 2 uint8, 10 float16. */
  readonly type?: number;
  /** Constants are nodes of their own instead of a list beside the nodes. */
  readonly constantNodes?: boolean;
  readonly metadata?: Readonly<Record<string, string>>;
}

const bytes = (work: (writer: protobuf.Writer) => void): Uint8Array => {
  const writer = protobuf.Writer.create();
  work(writer);
  return writer.finish();
};
const put = (writer: protobuf.Writer, field: number, value: Uint8Array): void => void writer.uint32((field << 3) | 2).bytes(value);
const text = (writer: protobuf.Writer, field: number, value: string): void => void writer.uint32((field << 3) | 2).string(value);
const int = (writer: protobuf.Writer, field: number, value: number): void => void writer.uint32(field << 3).int64(value);

/** A graph under construction; every method that makes a tensor returns its name. */
export class GraphWriter {
  readonly external = new Map<string, Uint8Array>();
  private readonly nodes: Uint8Array[] = [];
  private readonly constants: Uint8Array[] = [];
  private readonly inputs: Uint8Array[] = [];
  private readonly outputs: Uint8Array[] = [];
  private readonly options: GraphOptions;
  private readonly random = seededRandom(5);
  private count = 0;

  constructor(options: GraphOptions = {}) {
    this.options = options;
  }

  get type(): number {
    return this.options.type ?? 1;
  }

  input(name: string, dims: readonly Dim[], type = this.type): string {
    this.inputs.push(valueInfo(name, dims, type));
    return name;
  }

  output(name: string, dims: readonly Dim[], type = this.type): void {
    this.outputs.push(valueInfo(name, dims, type));
  }

  /** `name`: of the node and its (first) output. */
  node(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    name = `${op.toLowerCase()}_${this.count++}`,
  ): string {
    this.nodes.push(
      bytes((w) => {
        for (const input of inputs) text(w, 1, input);
        text(w, 2, name);
        text(w, 3, `node/${name}`);
        text(w, 4, op);
        for (const [key, value] of Object.entries(attributes)) put(w, 5, attributeBytes(key, value));
      }),
    );
    return name;
  }

  /** Seeded normal weights of the graph's type, times `scale`; `file`: kept in a file beside the model. */
  weights(dims: readonly number[], { scale, name, file }: { scale?: number; name?: string; file?: string } = {}): string {
    const length = dims.reduce((a, b) => a * b, 1);
    const spread = scale ?? 1 / Math.sqrt(Math.max(1, length / dims[0]));
    return this.floats(
      dims,
      Float32Array.from({ length }, () => this.random.normal() * spread),
      name,
      file,
    );
  }

  floats(dims: readonly number[], values: ArrayLike<number>, name = `w_${this.count++}`, file?: string): string {
    const array = Float32Array.from(values);
    const raw = this.type === 10 ? toFloat16(array) : array;
    const data = new Uint8Array(raw.buffer, raw.byteOffset, raw.byteLength);
    this.keep(
      name,
      bytes((w) => {
        for (const dim of dims) int(w, 1, dim);
        int(w, 2, this.type === 10 ? 10 : 1);
        text(w, 8, name);
        if (!file) return put(w, 9, data);
        const before = this.external.get(file) ?? new Uint8Array(0);
        const entries = { location: file, offset: String(before.length), length: String(data.length) };
        for (const [key, value] of Object.entries(entries)) {
          put(
            w,
            13,
            bytes((e) => {
              text(e, 1, key);
              text(e, 2, value);
            }),
          );
        }
        int(w, 14, 1);
        this.external.set(file, Buffer.concat([before, data]));
      }),
    );
    return name;
  }

  integers(values: readonly number[], dims: readonly number[] = [values.length]): string {
    const name = `i_${this.count++}`;
    this.keep(
      name,
      bytes((w) => {
        for (const dim of dims) int(w, 1, dim);
        int(w, 2, 7);
        text(w, 8, name);
        put(w, 9, new Uint8Array(BigInt64Array.from(values, BigInt).buffer));
      }),
    );
    return name;
  }

  private keep(name: string, tensor: Uint8Array): void {
    if (!this.options.constantNodes) return void this.constants.push(tensor);
    this.nodes.push(
      bytes((w) => {
        text(w, 2, name);
        text(w, 4, 'Constant');
        put(
          w,
          5,
          bytes((value) => {
            text(value, 1, 'value');
            put(value, 5, tensor);
            int(value, 20, 4);
          }),
        );
      }),
    );
  }

  /** The graph alone, as it stands inside a loop or a branch. */
  graph(): Uint8Array {
    return bytes((w) => {
      for (const node of this.nodes) put(w, 1, node);
      text(w, 2, this.options.name ?? 'main_graph');
      for (const constant of this.constants) put(w, 5, constant);
      for (const input of this.inputs) put(w, 11, input);
      for (const output of this.outputs) put(w, 12, output);
    });
  }

  finish(): Uint8Array {
    const { opset = 13, producer = 'pytorch', metadata = {} } = this.options;
    const graph = this.graph();
    return bytes((w) => {
      int(w, 1, 8);
      text(w, 2, producer);
      put(w, 7, graph);
      put(
        w,
        8,
        bytes((o) => {
          text(o, 1, '');
          int(o, 2, opset);
        }),
      );
      for (const [key, value] of Object.entries({ license: 'MIT', ...metadata })) {
        put(
          w,
          14,
          bytes((m) => {
            text(m, 1, key);
            text(m, 2, value);
          }),
        );
      }
    });
  }
}

function attributeBytes(name: string, value: Attribute): Uint8Array {
  return bytes((w) => {
    text(w, 1, name);
    if (typeof value === 'number') {
      int(w, 3, value);
      int(w, 20, 2);
    } else if (typeof value === 'string') {
      put(w, 4, Buffer.from(value));
      int(w, 20, 3);
    } else if ('graph' in value) {
      put(w, 6, value.graph);
      int(w, 20, 5);
    } else if ('float' in value) {
      w.uint32((2 << 3) | 5).float(value.float);
      int(w, 20, 1);
    } else {
      for (const one of value) int(w, 8, one);
      int(w, 20, 7);
    }
  });
}

function valueInfo(name: string, dims: readonly Dim[], type: number): Uint8Array {
  const shape = bytes((w) => {
    for (const dim of dims)
      put(
        w,
        1,
        bytes((d) => (typeof dim === 'number' ? int(d, 1, dim) : text(d, 2, dim))),
      );
  });
  const tensor = bytes((w) => {
    int(w, 1, type);
    put(w, 2, shape);
  });
  return bytes((w) => {
    text(w, 1, name);
    put(
      w,
      2,
      bytes((t) => put(t, 1, tensor)),
    );
  });
}
