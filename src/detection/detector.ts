import type { Box } from '../vision/box.ts';
import { boxArea, clipBox } from '../vision/box.ts';
import { boxFromTensor, type DecodedImage, type Placement, resizeRegion, writeTensor } from '../vision/image-tensor.ts';
import type { Net, NetManifest } from '../vision/net-manifest.ts';
import { type Detection, type ImageDetections, SCORE_FLOOR } from './detection.ts';
import { outputForm } from './forms/forms.ts';
import type { DecodedBoxes, OutputRoles, OutputTensor } from './forms/output-form.ts';
import { byScore, type ReadingRules } from './suppression.ts';

/** Runs a net on one image's tensor values and returns all its outputs. */
export type NetRun = (values: Float32Array) => Promise<readonly OutputTensor[]>;

/** An image as a detector's net takes it. */
export interface DetectorInput {
  readonly values: Float32Array;
  readonly placement: Placement;
}

/** Score threshold and suppression of a net that names none. */
const SCORE_THRESHOLD = 0.3;
const NMS_IOU = 0.5;

/** Image -> scored, labelled boxes in pixels of the original, clipped to it; everything over the floor, highest first. */
export class Detector {
  readonly net: Net;
  private readonly run: NetRun;

  constructor(net: Net, run: NetRun) {
    outputForm(net.manifest.form ?? '', net.manifest.name);
    this.net = net;
    this.run = run;
  }

  async detect(image: DecodedImage): Promise<ImageDetections> {
    const { values, placement } = await detectorInput(image, this.net.manifest);
    return detectionsOf(await this.run(values), this.net.manifest, image, placement);
  }
}

/** Pixels of an image -> the tensor values of a manifest. */
export async function detectorInput(image: DecodedImage, manifest: NetManifest): Promise<DetectorInput> {
  const { input } = manifest;
  const { pixels, placement } = await resizeRegion(image, input.width, input.height, input.resize);
  const values = new Float32Array(3 * input.width * input.height);
  writeTensor(pixels, input, values, 0);
  return { values, placement };
}

/** A net's outputs -> detections in pixels of the image. */
export function detectionsOf(
  outputs: readonly OutputTensor[],
  manifest: NetManifest,
  image: { readonly width: number; readonly height: number },
  placement: Placement,
): ImageDetections {
  const labels = manifest.labels ?? [];
  const decoded = outputForm(manifest.form ?? '', manifest.name).decode(outputs, {
    roles: manifest.outputs as OutputRoles,
    inputWidth: manifest.input.width,
    inputHeight: manifest.input.height,
    labelCount: labels.length,
    scoreFloor: SCORE_FLOOR,
    objectnessMin: typeof manifest.objectnessMin === 'number' ? manifest.objectnessMin : undefined,
  });
  const detections: Detection[] = [];
  for (let i = 0; i < decoded.count; i++) {
    const box = clipBox(boxFromTensor(cornersAt(decoded, i, manifest), placement), image.width, image.height);
    if (boxArea(box) > 0) detections.push({ label: labels[decoded.labels[i]], score: decoded.scores[i], box });
  }
  return { width: image.width, height: image.height, detections: byScore(detections) };
}

/** Corners in pixels of the net's input. */
function cornersAt(decoded: DecodedBoxes, i: number, { input }: NetManifest): Box {
  const [x1, y1, x2, y2] = decoded.corners.subarray(4 * i, 4 * i + 4);
  return [x1 * input.width, y1 * input.height, x2 * input.width, y2 * input.height];
}

/** How a net's detections are read unless settings say otherwise: what its manifest states. */
export function readingRules(manifest: NetManifest): ReadingRules {
  return {
    scoreMin: manifest.scoreThreshold ?? SCORE_THRESHOLD,
    nmsIou: manifest.nmsIou ?? NMS_IOU,
    proposals: typeof manifest.proposals === 'number' ? manifest.proposals : undefined,
  };
}
