import { ServiceError } from '../../errors.ts';
import { detr } from './detr.ts';
import { fasterRcnn } from './faster-rcnn.ts';
import { fastestdet } from './fastestdet.ts';
import { nanodet } from './nanodet.ts';
import type { OutputForm } from './output-form.ts';
import { ssd } from './ssd.ts';
import { tensorflow } from './tensorflow.ts';
import { yolo } from './yolo.ts';

/** Every output form there is; to add one, add a file beside this and a word here. */
export const OUTPUT_FORMS: readonly OutputForm[] = [tensorflow, ssd, fasterRcnn, fastestdet, nanodet, detr, yolo];

/** The form of that name. Throws NET_REFUSED naming the forms there are. */
export function outputForm(name: string, net: string): OutputForm {
  const found = OUTPUT_FORMS.find((form) => form.name === name);
  if (found) return found;
  const known = OUTPUT_FORMS.map((form) => form.name).join(', ');
  throw new ServiceError('NET_REFUSED', { net, reason: `there is no output form ${name}; there are ${known}` });
}
