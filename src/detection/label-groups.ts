import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { reasonOf, ServiceError } from '../errors.ts';

/** Groups of labels, as in Table 3 of the paper: group name -> its labels. */
export type LabelGroups = Readonly<Record<string, readonly string[]>>;

/** Reads a small file of groups, JSON or YAML: `{"footwear": ["shoe"], "clothes": ["top", "pants"]}`. */
export function readLabelGroups(file: string): LabelGroups {
  const refuse = (reason: string): ServiceError => new ServiceError('CATALOG_FILE_UNREADABLE', { file, format: 'label groups', reason });
  let value: unknown;
  try {
    value = parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw refuse(reasonOf(error));
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refuse('expected group names with lists');
  for (const [group, labels] of Object.entries(value)) {
    if (!Array.isArray(labels) || !labels.every((label) => typeof label === 'string')) {
      throw refuse(`the group ${group} is not a list of labels`);
    }
  }
  return value as LabelGroups;
}
