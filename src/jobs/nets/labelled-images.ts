import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ServiceError } from '../../errors.ts';

interface FolderImage {
  readonly file: string;
  readonly label: string;
  readonly read: () => Promise<Uint8Array>;
}

/** The images of a folder whose sub-folders are their labels, in name order. Throws NOTHING_TO_DO where there are none. */
export function folderImages(folder: string): FolderImage[] {
  const labels = readdirSync(folder)
    // Linked folders are followed: a data set often lies elsewhere.
    .filter((name) => statSync(join(folder, name), { throwIfNoEntry: false })?.isDirectory())
    .sort();
  const images = labels.flatMap((label) =>
    readdirSync(join(folder, label))
      .filter((name) => /\.(jpe?g|png|webp|gif|tiff?|avif)$/i.test(name))
      .sort()
      .map((name) => {
        const file = join(folder, label, name);
        return { file, label, read: async () => readFileSync(file) };
      }),
  );
  if (images.length > 1) return images;
  throw new ServiceError('NOTHING_TO_DO', { reason: `${folder} holds no folders of images; the folders are the labels.` });
}
