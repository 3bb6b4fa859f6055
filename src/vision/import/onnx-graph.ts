/**
 * The part of an ONNX file that importing needs: nodes, constants' names and shapes, inputs, outputs, external data. Weights are
 * not read. Editing only splices bytes in (further nodes and outputs at the end of the graph), so whatever this reader
 * does not know is kept as it was.
 * Source   onnx.proto of ONNX 1.16 (field numbers); Protocol Buffers encoding.
 */
import protobuf from 'protobufjs/minimal.js';
import { reasonOf } from '../../errors.ts';
import { graphAdditions, type NewConstant, type NewNode } from './onnx-writing.ts';

interface OnnxAttribute {
  readonly name: string;
  readonly ints: readonly number[];
  readonly int: number;
  readonly text: string;
}

export interface OnnxNode {
  readonly op: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: readonly OnnxAttribute[];
}

interface OnnxConstant {
  readonly name: string;
  readonly dims: readonly number[];
  readonly type: number;
  /** File beside the model that holds the values; empty when they are inside. */
  readonly externalFile: string;
  /** Small float or integer constants only (up to 64 values, inside the file), else empty. */
  readonly values: readonly number[];
}

export interface OnnxValue {
  readonly name: string;
  /** TensorProto.DataType; 1 float, 2 uint8, 10 float16; 0 unknown. */
  readonly type: number;
  readonly dims: readonly (number | string)[];
}

export interface OnnxGraph {
  readonly name: string;
  readonly producer: string;
  readonly opset: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly nodes: readonly OnnxNode[];
  readonly constants: ReadonlyMap<string, OnnxConstant>;
  /** Files beside the model that hold weights, of the graphs inside loops and branches too. */
  readonly externalFiles: readonly string[];
  /** Without those that are constants too (old exporters list weights as inputs). */
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly values: ReadonlyMap<string, OnnxValue>;
}

type Reader = protobuf.Reader;
type Fields = Record<number, (reader: Reader) => void>;

/** Reads the fields named, skips the others. */
function readFields(reader: Reader, end: number, fields: Fields): void {
  while (reader.pos < end) {
    const tag = reader.uint32();
    const field = fields[tag >>> 3];
    if (field) field(reader);
    else reader.skipType(tag & 7);
  }
}

/** Reads an embedded message. */
function message(reader: Reader, fields: Fields): void {
  const length = reader.uint32();
  const end = reader.pos + length;
  readFields(reader, end, fields);
  reader.pos = end;
}

const whole = (reader: Reader): number => Number(String(reader.int64()));

/** A repeated number, packed or not (both occur); the tag's wire type is lost here, so packed fields are recognized by field number. */
function packed(reader: Reader, read: (reader: Reader) => number): number[] {
  const end = reader.uint32() + reader.pos;
  const out: number[] = [];
  while (reader.pos < end) out.push(read(reader));
  return out;
}

/** Reads a model's structure. Throws RangeError with the reason when the bytes are not an ONNX model. */
export function readGraph(bytes: Uint8Array): OnnxGraph {
  const model = { producer: '', opset: 0, metadata: {} as Record<string, string>, graph: null as Uint8Array | null };
  try {
    const reader = protobuf.Reader.create(bytes);
    readFields(reader, bytes.length, {
      2: (r) => void (model.producer = r.string()),
      7: (r) => void (model.graph = r.bytes()),
      8: (r) => readOpset(r, model),
      14: (r) => readEntry(r, model.metadata),
    });
    if (!model.graph) throw new RangeError('it holds no graph');
    return { producer: model.producer, opset: model.opset, metadata: model.metadata, ...readGraphBody(model.graph) };
  } catch (error) {
    throw new RangeError(`it is not an ONNX model (${reasonOf(error)})`);
  }
}

function readOpset(reader: Reader, model: { opset: number }): void {
  let domain = '';
  let version = 0;
  message(reader, { 1: (r) => void (domain = r.string()), 2: (r) => void (version = whole(r)) });
  if (domain === '' || domain === 'ai.onnx') model.opset = version;
}

function readEntry(reader: Reader, into: Record<string, string>): void {
  let key = '';
  let value = '';
  message(reader, { 1: (r) => void (key = r.string()), 2: (r) => void (value = r.string()) });
  into[key] = value;
}

function readGraphBody(bytes: Uint8Array): Omit<OnnxGraph, 'producer' | 'opset' | 'metadata'> {
  let name = '';
  const nodes: OnnxNode[] = [];
  const constants = new Map<string, OnnxConstant>();
  const inputs: OnnxValue[] = [];
  const outputs: OnnxValue[] = [];
  const values = new Map<string, OnnxValue>();
  const external = new Set<string>();
  readFields(protobuf.Reader.create(bytes), bytes.length, {
    1: (r) => {
      const { node, constant, inner } = readNode(r);
      nodes.push(node);
      for (const graph of inner) for (const file of readGraphBody(graph).externalFiles) external.add(file);
      if (node.op === 'Constant' && constant) constants.set(node.outputs[0], { ...constant, name: node.outputs[0] });
    },
    2: (r) => void (name = r.string()),
    5: (r) => {
      const constant = readConstant(r);
      constants.set(constant.name, constant);
    },
    11: (r) => inputs.push(readValue(r)),
    12: (r) => outputs.push(readValue(r)),
    13: (r) => {
      const value = readValue(r);
      values.set(value.name, value);
    },
  });
  for (const value of [...inputs, ...outputs]) values.set(value.name, value);
  for (const { externalFile } of constants.values()) if (externalFile !== '') external.add(externalFile);
  const taken = inputs.filter((value) => !constants.has(value.name));
  return { name, nodes, constants, externalFiles: [...external], inputs: taken, outputs, values };
}

/** A node, the value of its attribute when it is a constant, and the graphs inside it. */
function readNode(reader: Reader): { node: OnnxNode; constant: OnnxConstant | null; inner: readonly Uint8Array[] } {
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes: OnnxAttribute[] = [];
  const inner: Uint8Array[] = [];
  let name = '';
  let op = '';
  let constant: OnnxConstant | null = null;
  message(reader, {
    1: (r) => inputs.push(r.string()),
    2: (r) => outputs.push(r.string()),
    3: (r) => void (name = r.string()),
    4: (r) => void (op = r.string()),
    5: (r) => {
      const found = readAttribute(r);
      attributes.push(found.attribute);
      constant = found.tensor ?? constant;
      inner.push(...found.graphs);
    },
  });
  return { node: { op, name, inputs, outputs, attributes }, constant, inner };
}

function readAttribute(reader: Reader): { attribute: OnnxAttribute; tensor: OnnxConstant | null; graphs: readonly Uint8Array[] } {
  let [name, text, int] = ['', '', 0];
  const ints: number[] = [];
  const graphs: Uint8Array[] = [];
  let tensor: OnnxConstant | null = null;
  const end = reader.uint32() + reader.pos;
  while (reader.pos < end) {
    const tag = reader.uint32();
    const [field, wire] = [tag >>> 3, tag & 7];
    if (field === 1) name = reader.string();
    else if (field === 3) int = whole(reader);
    else if (field === 4) text = Buffer.from(reader.bytes()).toString('utf8');
    else if (field === 5) tensor = readConstant(reader);
    else if (field === 6 || field === 11) graphs.push(reader.bytes());
    else if (field === 8) ints.push(...(wire === 2 ? packed(reader, whole) : [whole(reader)]));
    else reader.skipType(wire);
  }
  return { attribute: { name, ints, int, text }, tensor, graphs };
}

const SMALL = 64;

function readConstant(reader: Reader): OnnxConstant {
  const dims: number[] = [];
  const external: Record<string, string> = {};
  let [name, type] = ['', 0];
  let values: number[] = [];
  let raw: Uint8Array | null = null;
  const end = reader.uint32() + reader.pos;
  while (reader.pos < end) {
    const tag = reader.uint32();
    const [field, wire] = [tag >>> 3, tag & 7];
    if (field === 1) dims.push(...(wire === 2 ? packed(reader, whole) : [whole(reader)]));
    else if (field === 2) type = reader.int32();
    else if (field === 8) name = reader.string();
    else if (field === 9) raw = reader.bytes();
    else if (field === 4 && wire === 2 && dims.reduce((a, b) => a * b, 1) <= SMALL) values = packed(reader, (r) => r.float());
    else if (field === 7 && wire === 2 && dims.reduce((a, b) => a * b, 1) <= SMALL) values = packed(reader, whole);
    else if (field === 13) readEntry(reader, external);
    else reader.skipType(wire);
  }
  if (raw && raw.length <= SMALL * 8) values = rawValues(raw, type);
  return { name, dims, type, values, externalFile: external.location ?? '' };
}

function rawValues(raw: Uint8Array, type: number): number[] {
  const buffer = Buffer.from(raw);
  const read = {
    1: [4, (at: number) => buffer.readFloatLE(at)],
    6: [4, (at: number) => buffer.readInt32LE(at)],
    7: [8, (at: number) => Number(buffer.readBigInt64LE(at))],
  } as const;
  const how = read[type as keyof typeof read];
  if (!how) return [];
  return Array.from({ length: Math.floor(raw.length / how[0]) }, (_, i) => how[1](i * how[0]));
}

function readValue(reader: Reader): OnnxValue {
  let [name, type] = ['', 0];
  const dims: (number | string)[] = [];
  const dimension: Fields = {
    1: (r) =>
      message(r, {
        1: (d) => void (dims[dims.length - 1] = whole(d)),
        2: (d) => void (dims[dims.length - 1] = d.string()),
      }),
  };
  const tensor: Fields = {
    1: (r) => void (type = r.int32()),
    2: (r) =>
      message(r, {
        1: (d) => {
          dims.push('');
          dimension[1](d);
        },
      }),
  };
  message(reader, { 1: (r) => void (name = r.string()), 2: (r) => message(r, { 1: (t) => message(t, tensor) }) });
  return { name, type, dims };
}

/**
 * The file with nodes, constants and outputs added at the end of its graph: outputs by name only, the runtime infers their
 * type. Everything else keeps its bytes.
 */
export function extendGraph(
  bytes: Uint8Array,
  nodes: readonly NewNode[],
  outputs: readonly string[],
  constants: readonly NewConstant[] = [],
): Uint8Array {
  const added = graphAdditions(nodes, outputs, constants);
  const reader = protobuf.Reader.create(bytes);
  while (reader.pos < bytes.length) {
    const start = reader.pos;
    const tag = reader.uint32();
    if (tag >>> 3 !== 7) {
      reader.skipType(tag & 7);
      continue;
    }
    const length = reader.uint32();
    const end = reader.pos + length;
    const head = protobuf.Writer.create()
      .uint32((7 << 3) | 2)
      .uint32(length + added.length)
      .finish();
    return Buffer.concat([bytes.subarray(0, start), head, bytes.subarray(reader.pos, end), added, bytes.subarray(end)]);
  }
  throw new RangeError('the model holds no graph');
}
