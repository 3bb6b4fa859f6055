import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { importClassifier } from '../../src/vision/import/import-classifier.ts';
import { PREPROCESSING } from '../../src/vision/import/net-families.ts';
import { readNet } from '../../src/vision/net-manifest.ts';
import { readGraph } from '../../src/vision/import/onnx-graph.ts';
import { openNetSession, shapeOf } from '../../src/vision/onnx-session.ts';
import { probePicture } from '../../src/vision/import/probe-picture.ts';
import { sharedData } from '../shared-data.ts';
import { FAMILIES, type FamilyGraph } from './family-graphs.ts';
import { GraphWriter } from './onnx-writer.ts';

const folder = mkdtempSync(join(tmpdir(), 'import-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Writes a graph (and its external files) as a stranger's download. */
function stranger(name: string, { bytes, external }: FamilyGraph): string {
  const place = join(folder, `from-${name}`);
  mkdirSync(place, { recursive: true });
  for (const [file, data] of external) writeFileSync(join(place, file), data);
  writeFileSync(join(place, 'model.onnx'), bytes);
  return join(place, 'model.onnx');
}

const plain = (bytes: Uint8Array): FamilyGraph => ({ bytes, external: new Map() });
let made = 0;

describe('import of stock classifiers', () => {
  for (const [family, { make, expected }] of Object.entries(FAMILIES)) {
    it(`finds the layers of ${family}`, async () => {
      const out = join(folder, `net-${made++}`);
      const { manifest, doubts } = await importClassifier({ file: stranger(String(made), make()), name: 'net', out });
      const { fc6, fc7, fc8, pool5 } = manifest.outputs;
      expect({ fc6: fc6.tensor, fc8: fc8.tensor, length: [fc6.length, fc8.length] }).toEqual({
        fc6: expected.fc6,
        fc8: expected.fc8,
        length: [expected.fc6Length, 10],
      });
      if (expected.fc7) expect(fc7.tensor).toBe(expected.fc7);
      if (expected.pool5) expect(pool5.tensor).toBe(expected.pool5);
      if (expected.binarization) expect(manifest.binarization).toBe(expected.binarization);
      expect(manifest.input.layout).toBe(expected.layout ?? 'NCHW');
      expect(manifest.input).toMatchObject(PREPROCESSING[expected.preprocess as keyof typeof PREPROCESSING]);
      expect(doubts.some((doubt) => doubt.includes(expected.preprocess)) || expected.preprocess.startsWith('zero')).toBe(true);
      const net = readNet(out);
      const session = await openNetSession(net, { provider: 'cpu' });
      const outputs = await session.run(probePicture(net.manifest.input), shapeOf(net.manifest.input, 1), [fc6.tensor]);
      expect(outputs[0].data.length).toBe(expected.fc6Length);
      await session.close();
    });
  }

  it('takes the tensors, the preparation and the licence that a person names', async () => {
    const file = stranger('named', FAMILIES['VGG16, torchvision'].make());
    const request = {
      file,
      name: 'named',
      fc6: 'flat',
      preprocess: 'caffe-bgr-mean',
      licence: 'CC0',
      classes: [...'abcdefghij'],
    } as const;
    const { manifest, doubts } = await importClassifier({ ...request, out: join(folder, 'named') });
    expect(manifest.outputs.fc6).toMatchObject({ tensor: 'flat', length: 128 });
    expect(manifest.input).toMatchObject({ channels: 'BGR', scale: 1 });
    expect([manifest.licence, manifest.classes?.length, doubts]).toEqual(['CC0', 10, []]);
    await expect(importClassifier({ ...request, fc6: 'classifier', out: join(folder, 'x') })).rejects.toThrow(
      /no tensor classifier; there are .*classifier\.1/,
    );
  });

  it('keeps every byte it does not know', async () => {
    const { bytes } = FAMILIES['ResNet, torchvision'].make();
    const unknown = Buffer.concat([bytes, Buffer.from([0xfa, 0x3e, 3, 1, 2, 3])]);
    const out = join(folder, 'unknown');
    await importClassifier({ file: stranger('unknown', plain(unknown)), name: 'unknown', out });
    const written = readFileSync(join(out, 'net.onnx'));
    expect(written.subarray(-6)).toEqual(unknown.subarray(-6));
    expect(readGraph(written).outputs.map(({ name }) => name)).toEqual(['output', 'pooled']);
    expect(readGraph(written).metadata).toEqual({ license: 'MIT' });
  });

  it('takes a layer of more numbers than a call takes arguments', async () => {
    const g = new GraphWriter();
    const flat = g.node('Flatten', [g.input('x', ['n', 3, 256, 256])], {}, 'flat');
    const weights = g.floats([3 * 256 * 256, 4], new Float32Array(3 * 256 * 256 * 4).fill(1e-5));
    g.output(g.node('Gemm', [flat, weights], {}, 'y'), ['n', 4]);
    const out = join(folder, 'large');
    const { manifest } = await importClassifier({ file: stranger('large', plain(g.finish())), name: 'large', out });
    expect(manifest.outputs.fc6).toMatchObject({ tensor: 'flat', length: 196_608 });
    expect(manifest.input.batch).toBe('free');
  });

  it('the mean over positions is one over positions, wherever channels stand', async () => {
    for (const family of ['SqueezeNet, Keras, channels last between convolutions', 'Mixer, classes averaged over tokens']) {
      const out = join(folder, `mean-${made++}`);
      await importClassifier({ file: stranger(`mean-${made}`, FAMILIES[family].make()), name: 'mean', out });
      const net = readNet(out);
      const session = await openNetSession(net, { provider: 'cpu' });
      const roles = net.manifest.outputs;
      const outputs = await session.run(probePicture(net.manifest.input), shapeOf(net.manifest.input, 1));
      const shapeOfRole = (role: string) => outputs.find(({ name }) => name === roles[role].tensor)?.dims;
      expect([shapeOfRole('fc6')?.slice(0, 2), shapeOfRole('fc8')], family).toEqual([
        [1, FAMILIES[family].expected.fc6Length],
        [1, 10],
      ]);
      await session.close();
    }
  });

  it('bytes go in as they are; another preparation is refused', async () => {
    const file = stranger('bytes', FAMILIES['MobileNet v1, bytes in'].make());
    await expect(importClassifier({ file, name: 'bytes', out: join(folder, 'bytes'), preprocess: 'imagenet-mean-std' })).rejects.toThrow(
      /type uint8.*--preprocess zero-to-255/,
    );
  });

  it('says when a size that was said could not be used', async () => {
    const file = stranger('side', FAMILIES['ResNet, torchvision'].make());
    const { doubts, manifest } = await importClassifier({ file, name: 'side', out: join(folder, 'side'), side: 224 });
    expect([doubts.some((doubt) => /32 x 32 only: --side was not used/.test(doubt)), manifest.input.width]).toEqual([true, 32]);
  });

  it('leaves another net in the folder alone, also when it is refused itself, unless told to replace it', async () => {
    const out = join(folder, 'kept');
    const [resnet, vgg] = ['ResNet, torchvision', 'VGG16, torchvision'].map((family) => stranger(family, FAMILIES[family].make()));
    const first = await importClassifier({ file: resnet, name: 'resnet', out });
    await expect(importClassifier({ file: vgg, name: 'vgg', out })).rejects.toMatchObject({
      code: 'JOB_USAGE',
      message: expect.stringMatching(/holds the net resnet \(.*this is vgg \(.*another --out, or say --replace/),
    });
    await expect(importClassifier({ file: stranger('broken', shapeShifter()), name: 'bad', out, replace: true })).rejects.toThrow(
      /refused/,
    );
    expect(readNet(out).manifest).toEqual(first.manifest);
    await importClassifier({ file: resnet, name: 'resnet', out, licence: 'CC0' });
    expect(readNet(out).manifest.licence).toBe('CC0');
    await importClassifier({ file: vgg, name: 'vgg', out, replace: true });
    expect(readNet(out).manifest.name).toBe('vgg');
  });

  it('a damaged net is no net: importing it again mends the folder', async () => {
    const out = join(folder, 'damaged');
    const [resnet, vgg] = ['ResNet, torchvision', 'VGG16, torchvision'].map((family) => stranger(family, FAMILIES[family].make()));
    await importClassifier({ file: resnet, name: 'resnet', out });
    writeFileSync(join(out, 'net.onnx'), 'damaged');
    await importClassifier({ file: vgg, name: 'vgg', out });
    expect(readNet(out).manifest.name).toBe('vgg');
  });

  it('finds files of weights inside branches too', () => {
    const inner = new GraphWriter({ name: 'then' });
    inner.output(inner.node('Identity', [inner.weights([2], { file: 'inner.bin' })], {}, 'y'), [2]);
    const g = new GraphWriter();
    const branch = { then_branch: { graph: inner.graph() }, else_branch: { graph: inner.graph() } };
    g.output(g.node('If', [g.input('c', [1], 9)], branch, 'out'), [2]);
    expect(readGraph(g.finish()).externalFiles).toEqual(['inner.bin']);
  });

  const refused: readonly [string, () => FamilyGraph, RegExp][] = [
    ['bytes that are no ONNX', () => plain(Buffer.from('<html>no net</html>')), /not an ONNX model/],
    ['an empty file', () => plain(Buffer.alloc(0)), /not an ONNX model/],
    ['a cut file', () => plain(FAMILIES['ResNet, torchvision'].make().bytes.subarray(0, 3000)), /not an ONNX model/],
    [
      'missing external data',
      () => plain(FAMILIES['ResNeXt, grouped, weights in a file beside'].make().bytes),
      /should be in .*model\.onnx\.data/,
    ],
    ['external data elsewhere', () => outside(), /outside its folder/],
    ['two inputs', () => twoInputs(), /one image and nothing else/],
    ['an output that changes its shape', () => shapeShifter(), /changes its shape|not the batch/],
    ['an unknown operator', () => unknownOperator(), /refused/],
    ['a graph without a linear layer', () => noLinear(), /linear layer|class vector/],
  ];
  for (const [what, make, reason] of refused) {
    it(`refuses ${what}, with the reason, and leaves no manifest`, async () => {
      const out = join(folder, `refused-${made++}`);
      const file = stranger(`refused-${made}`, make());
      await expect(importClassifier({ file, name: 'bad', out })).rejects.toMatchObject({
        code: 'NET_REFUSED',
        message: expect.stringMatching(reason),
      });
      expect(existsSync(join(out, 'manifest.json'))).toBe(false);
    });
  }

  const squeezenet = sharedData('nets/squeezenet_fp16/SqueezeNet_fp16.onnx');
  it.skipIf(!squeezenet)(`imports the real SqueezeNet${squeezenet ? '' : ' (shared nets are not here)'}`, async () => {
    const { manifest } = await importClassifier({
      file: squeezenet as string,
      name: 'squeezenet',
      out: join(folder, 'squeezenet'),
    });
    expect(manifest.outputs.fc6).toMatchObject({ tensor: 'related_pins_fc6', length: 512 });
    expect(manifest.outputs.fc8).toMatchObject({ tensor: 'pool10_1', length: 1000 });
    expect(manifest.input).toMatchObject({ channels: 'BGR', type: 'float16', batch: 1 });
    expect(manifest.licence).toMatch(/^MIT License/);
  });
  const mobilenet = sharedData('nets/mobilenet_v1_075/mobilenet_v1_075_224.onnx');
  it.skipIf(!mobilenet)(`imports the real MobileNet v1${mobilenet ? '' : ' (shared nets are not here)'}`, async () => {
    const { manifest } = await importClassifier({
      file: mobilenet as string,
      name: 'mobilenet',
      out: join(folder, 'mobilenet'),
    });
    expect(manifest.outputs).toMatchObject({
      fc6: { tensor: 'mean', length: 768 },
      fc8: { tensor: 'linear', length: 1000 },
    });
    expect(manifest.input).toMatchObject({ channels: 'RGB', mean: [127.5, 127.5, 127.5], batch: 'free' });
  });
});

function outside(): FamilyGraph {
  const g = new GraphWriter();
  const x = g.input('x', ['n', 3, 8, 8]);
  const flat = g.node('Flatten', [x]);
  g.output(g.node('Gemm', [flat, g.weights([192, 4], { file: '../secret.bin' })], {}, 'y'), ['n', 4]);
  return plain(g.finish());
}

function twoInputs(): FamilyGraph {
  const g = new GraphWriter();
  const flat = g.node('Flatten', [g.node('Add', [g.input('x', ['n', 3, 8, 8]), g.input('z', ['n', 3, 8, 8])])]);
  g.output(g.node('Gemm', [flat, g.weights([192, 4])], {}, 'y'), ['n', 4]);
  return plain(g.finish());
}

/** The rows of its answer are the bright pixels of the picture. */
function shapeShifter(): FamilyGraph {
  const g = new GraphWriter();
  const flat = g.node('Reshape', [g.input('x', ['n', 3, 8, 8]), g.integers([-1, 3])]);
  const bright = g.node('Greater', [g.node('ReduceMax', [flat], { axes: [1], keepdims: 0 }), g.floats([], [0.5])]);
  const rows = g.node('Compress', [flat, bright], { axis: 0 });
  g.output(g.node('Gemm', [rows, g.weights([3, 4])], {}, 'y'), ['m', 4]);
  return plain(g.finish());
}

function unknownOperator(): FamilyGraph {
  const g = new GraphWriter();
  const flat = g.node('Flatten', [g.node('NoSuchOperator', [g.input('x', ['n', 3, 8, 8])])]);
  g.output(g.node('Gemm', [flat, g.weights([192, 4])], {}, 'y'), ['n', 4]);
  return plain(g.finish());
}

function noLinear(): FamilyGraph {
  const g = new GraphWriter();
  g.output(g.node('Relu', [g.input('x', ['n', 3, 8, 8])], {}, 'y'), ['n', 3, 8, 8]);
  return plain(g.finish());
}
