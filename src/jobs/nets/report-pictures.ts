import { imageLimitsOf } from '../../vision/inference-pool.ts';
import { fetchImage, imageFetching } from '../../catalog/pins/image-fetch.ts';
import { openCatalog } from '../../catalog/pins/catalog-store.ts';
import type { Config } from '../../config.ts';
import { thumbnail } from '../../vision/image-tensor.ts';

/** Pins as a report shows them. */
interface ReportPictures {
  /** A data address, or null: no picture, or one that cannot be read. */
  thumbnailOf(pinIndex: number): string | null;
  nameOf(pinIndex: number): string;
}

const WIDTH_PX = 110;

/** Small JPEGs of some pins, made again from their images. */
export async function reportPictures(dataFolder: string, config: Config, pinIndexes: readonly number[]): Promise<ReportPictures> {
  const catalog = openCatalog(dataFolder);
  const addresses = new Map<number, string>();
  const names = new Map<number, string>();
  try {
    for (const pinIndex of pinIndexes) {
      const pin = catalog.pins.get(pinIndex);
      if (!pin) continue;
      names.set(pinIndex, pin.title || pin.id);
      if (pin.image !== null) await addPicture(addresses, pinIndex, pin.image, dataFolder, config);
    }
  } finally {
    catalog.close();
  }
  return { thumbnailOf: (pin) => addresses.get(pin) ?? null, nameOf: (pin) => names.get(pin) ?? `pin ${pin}` };
}

/** A picture that cannot be had is left out: the report names the pin instead. */
async function addPicture(
  addresses: Map<number, string>,
  pinIndex: number,
  image: string,
  dataFolder: string,
  config: Config,
): Promise<void> {
  try {
    const bytes = await fetchImage(image, imageFetching(config, dataFolder));
    const small = await thumbnail(bytes, WIDTH_PX, 'jpeg', imageLimitsOf(config));
    addresses.set(pinIndex, `data:image/jpeg;base64,${Buffer.from(small).toString('base64')}`);
  } catch {
    addresses.delete(pinIndex);
  }
}
