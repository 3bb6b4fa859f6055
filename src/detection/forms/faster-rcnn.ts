import { decodeLists, recognizeLists } from './corner-lists.ts';
import type { OutputForm } from './output-form.ts';

/**
 * Faster R-CNN style, one image a run: boxes n x 4 (corners, pixels of the input), labels n, scores n. In torchvision's
 * and the ONNX model zoo's nets label 0 is the background, so `firstLabel` is 1 unless another is said at import.
 */
export const fasterRcnn: OutputForm = {
  name: 'faster-rcnn',
  decode: (outputs, settings) => decodeLists(outputs, settings),
  recognize(outputs, input) {
    const found = recognizeLists(outputs, false, input);
    return found && { ...found, roles: { ...found.roles, labels: { ...found.roles.labels, firstLabel: 1 } } };
  },
};
