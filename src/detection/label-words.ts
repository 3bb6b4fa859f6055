/**
 * One plain word for each kind of object, whatever a detector calls it, so that detectors of one folder speak of the same things;
 * and the paper's groups of kinds (fashion, home, vehicles).
 */

/** Word -> what detectors and truth call it besides. A label that is in no row is its own word. */
const SYNONYMS: Readonly<Record<string, readonly string[]>> = {
  airplane: ['aeroplane'],
  bag: ['handbag'],
  cow: ['cattle'],
  cup: ['mug', 'coffee cup'],
  glasses: ['eyewear'],
  jacket: ['outerwear'],
  jewelry: ['jewellery'],
  motorcycle: ['motorbike'],
  mouse: ['computer mouse'],
  phone: ['cell phone'],
  plant: ['potted plant', 'pottedplant'],
  screen: ['computer monitor', 'tv', 'tvmonitor'],
  shoe: ['footwear', 'boot', 'high heels'],
  sofa: ['couch'],
  table: ['desk', 'dining table', 'diningtable', 'coffee table'],
};
const WORD_OF = new Map(Object.entries(SYNONYMS).flatMap(([word, others]) => others.map((other) => [other, word] as const)));

/** The word for a label: lower case, one word for all synonyms. */
export function labelWord(label: string): string {
  const plain = label.trim().toLowerCase().replaceAll('_', ' ');
  return WORD_OF.get(plain) ?? plain;
}

/** A general word and the particular ones that it stands for. */
export const PARTICULARS: Readonly<Record<string, readonly string[]>> = {
  vehicle: ['airplane', 'bicycle', 'boat', 'bus', 'car', 'motorcycle', 'train', 'truck'],
};

/** The paper's three groups of Table 3, in words. */
export const LABEL_WORD_GROUPS = {
  fashion: [
    'bag',
    'belt',
    'dress',
    'glasses',
    'hat',
    'jacket',
    'jewelry',
    'pants',
    'scarf',
    'shoe',
    'shorts',
    'skirt',
    'swimwear',
    'top',
    'watch',
  ],
  home: [
    'bed',
    'book',
    'bottle',
    'cabinet',
    'chair',
    'cup',
    'frame',
    'lamp',
    'laptop',
    'mouse',
    'plant',
    'plate',
    'rug',
    'screen',
    'sofa',
    'table',
    'vase',
  ],
  vehicles: ['airplane', 'bicycle', 'boat', 'bus', 'car', 'motorcycle', 'train', 'truck', 'vehicle'],
} as const;
type LabelGroup = keyof typeof LABEL_WORD_GROUPS;

/** The group of a label; null: it is in none. */
export function groupOfLabel(label: string): LabelGroup | null {
  const word = labelWord(label);
  const names = Object.keys(LABEL_WORD_GROUPS) as LabelGroup[];
  return names.find((name) => (LABEL_WORD_GROUPS[name] as readonly string[]).includes(word)) ?? null;
}
