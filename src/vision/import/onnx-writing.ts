/** Pieces of ONNX files written from nothing: nodes, float constants, whole small models. Field numbers as in onnx.proto. */
import protobuf from 'protobufjs/minimal.js';

/** A node to add: attributes are whole numbers, lists of them, or real numbers. */
export interface NewNode {
  readonly op: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly ints?: Readonly<Record<string, readonly number[]>>;
  readonly int?: Readonly<Record<string, number>>;
}

/** A float32 constant to add. */
export interface NewConstant {
  readonly name: string;
  readonly dims: readonly number[];
  readonly values: Float32Array;
}

const FLOAT = 1;
const INT_ATTRIBUTE = 2;
const INTS_ATTRIBUTE = 7;

const message = (work: (writer: protobuf.Writer) => void): Uint8Array => {
  const writer = protobuf.Writer.create();
  work(writer);
  return writer.finish();
};
const bytesField = (writer: protobuf.Writer, field: number, value: Uint8Array): void => void writer.uint32((field << 3) | 2).bytes(value);
const textField = (writer: protobuf.Writer, field: number, value: string): void => void writer.uint32((field << 3) | 2).string(value);
const wholeField = (writer: protobuf.Writer, field: number, value: number): void => void writer.uint32(field << 3).int64(value);

/** What goes at the end of a GraphProto: nodes, constants, outputs by name. */
export function graphAdditions(nodes: readonly NewNode[], outputs: readonly string[], constants: readonly NewConstant[] = []): Uint8Array {
  return message((writer) => {
    for (const node of nodes) bytesField(writer, 1, nodeBytes(node));
    for (const constant of constants) bytesField(writer, 5, constantBytes(constant));
    for (const name of outputs)
      bytesField(
        writer,
        12,
        message((value) => textField(value, 1, name)),
      );
  });
}

function nodeBytes({ op, name, inputs, outputs, ints = {}, int = {} }: NewNode): Uint8Array {
  return message((writer) => {
    for (const input of inputs) textField(writer, 1, input);
    for (const output of outputs) textField(writer, 2, output);
    textField(writer, 3, name);
    textField(writer, 4, op);
    for (const [key, list] of Object.entries(ints)) bytesField(writer, 5, attributeBytes(key, INTS_ATTRIBUTE, 8, list));
    for (const [key, value] of Object.entries(int)) bytesField(writer, 5, attributeBytes(key, INT_ATTRIBUTE, 3, [value]));
  });
}

function attributeBytes(name: string, type: number, field: number, values: readonly number[]): Uint8Array {
  return message((writer) => {
    textField(writer, 1, name);
    for (const value of values) wholeField(writer, field, value);
    wholeField(writer, 20, type);
  });
}

function constantBytes({ name, dims, values }: NewConstant): Uint8Array {
  return message((writer) => {
    for (const size of dims) wholeField(writer, 1, size);
    wholeField(writer, 2, FLOAT);
    textField(writer, 8, name);
    bytesField(writer, 9, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  });
}

/** A model of one matrix product, `y = a b`, either factor read transposed. */
export function gemmModel(aTransposed: boolean, bTransposed: boolean): Uint8Array {
  const node = nodeBytes({
    op: 'Gemm',
    name: 'product',
    inputs: ['a', 'b'],
    outputs: ['y'],
    int: { transA: aTransposed ? 1 : 0, transB: bTransposed ? 1 : 0 },
  });
  const graph = message((writer) => {
    bytesField(writer, 1, node);
    textField(writer, 2, 'product');
    for (const name of ['a', 'b']) bytesField(writer, 11, freeMatrix(name));
    bytesField(writer, 12, freeMatrix('y'));
  });
  return message((writer) => {
    wholeField(writer, 1, 8);
    bytesField(writer, 7, graph);
    bytesField(
      writer,
      8,
      message((opset) => wholeField(opset, 2, 13)),
    );
  });
}

/** A float matrix whose sizes are free. */
function freeMatrix(name: string): Uint8Array {
  const dimension = (label: string): Uint8Array => message((writer) => textField(writer, 2, label));
  const shape = message((writer) => {
    for (const side of ['rows', 'columns']) bytesField(writer, 1, dimension(`${name} ${side}`));
  });
  const tensor = message((writer) => {
    wholeField(writer, 1, FLOAT);
    bytesField(writer, 2, shape);
  });
  return message((writer) => {
    textField(writer, 1, name);
    bytesField(
      writer,
      2,
      message((type) => bytesField(type, 1, tensor)),
    );
  });
}
