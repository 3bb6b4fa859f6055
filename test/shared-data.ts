import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** The shared data beside the checkout (`../shared/RELATIVE`), or null when this machine has only the clone. */
export function sharedData(relative: string): string | null {
  const path = join(import.meta.dirname, '..', '..', 'shared', relative);
  return existsSync(path) ? path : null;
}
