import { ServiceError } from '../errors.ts';
import { type Box, boxArea, clipBox } from '../vision/box.ts';
import { boxFromTensor, type Placement } from '../vision/image-tensor.ts';
import type { InferencePool } from '../vision/inference-pool.ts';
import type { ImageFailure } from '../vision/inference-task.ts';
import { type Net, type NetManifest, readNet } from '../vision/net-manifest.ts';
import { type Detection, type ImageDetections, SCORE_FLOOR } from './detection.ts';
import { outputForm } from './forms/forms.ts';
import type { DecodedBoxes, OutputRoles, OutputTensor } from './forms/output-form.ts';
import { byScore, type ReadingRules } from './suppression.ts';

/** Score threshold and suppression of a net that names none. */
const SCORE_THRESHOLD = 0.3;
const NMS_IOU = 0.5;

/** What one image gave, or why it gave nothing. */
export type DetectionOutcome = { readonly ok: true; readonly found: ImageDetections } | ImageFailure;

/** A detector net in use: image files -> scored, labelled boxes, computed in the pool's threads. */
export interface Detector {
  readonly net: Net;
  /** Everything over the floor, highest first, clipped to the image, before suppression. A bad image costs only itself. */
  detect(images: readonly Uint8Array[]): Promise<DetectionOutcome[]>;
}

/** Reads a detector's folder. Throws NET_REFUSED, also for a form that is not known. */
export function readDetector(folder: string): Net {
  const net = readNet(folder);
  const { kind, form, name, labels } = net.manifest;
  if (kind !== 'detector' || !labels?.length) {
    throw new ServiceError('NET_REFUSED', {
      net: name,
      reason: 'detection needs a detector whose manifest lists its labels',
    });
  }
  outputForm(form ?? '', name);
  return net;
}

/** Opens a detector's folder. Throws NET_REFUSED, also for a form that is not known. */
export function openDetector(folder: string, pool: InferencePool): Detector {
  const net = readDetector(folder);
  return {
    net,
    async detect(images) {
      const results = await pool.outputs(
        net,
        images.map((bytes) => ({ bytes })),
      );
      return results.map((result) =>
        result.ok ? { ok: true, found: detectionsOf(result.outputs, net.manifest, result, result.placement) } : result,
      );
    },
  };
}

/** A net's outputs -> detections in pixels of the image. */
function detectionsOf(
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
