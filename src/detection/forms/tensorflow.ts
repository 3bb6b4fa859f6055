import { decodeLists } from './corner-lists.ts';
import { type OutputForm, tensorOf } from './output-form.ts';

/**
 * TensorFlow's object detection interface: `detection_boxes` 1 x n x 4 (y1 x1 y2 x2, fractions), `detection_classes` 1 x n
 * (from 1), `detection_scores` 1 x n, `num_detections` 1: how many of the n are meant.
 */
export const tensorflow: OutputForm = {
  name: 'tensorflow',
  decode(outputs, settings) {
    const count = settings.roles.count ? Number(tensorOf(outputs, settings.roles, 'count').data[0]) : undefined;
    return decodeLists(outputs, settings, true, count);
  },
  recognize(outputs) {
    const named = (part: string): string | undefined => outputs.find((output) => output.name.includes(part))?.name;
    const [boxes, labels, scores] = ['detection_boxes', 'detection_classes', 'detection_scores'].map(named);
    const count = named('num_detections');
    if (!boxes || !labels || !scores) return null;
    return {
      roles: {
        boxes: { tensor: boxes, format: 'y1 x1 y2 x2, fractions of the image' },
        labels: { tensor: labels, firstLabel: 1 },
        scores: { tensor: scores },
        ...(count ? { count: { tensor: count } } : {}),
      },
      labelCount: null,
      why: `the outputs are named ${boxes}, ${labels}, ${scores}`,
    };
  },
};
