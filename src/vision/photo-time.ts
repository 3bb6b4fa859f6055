import readExif from 'exif-reader';
import { exifBlock } from './image-tensor.ts';

/**
 * When a photo was taken, in epoch milliseconds, from its EXIF block (DateTimeOriginal, else the time it was digitized);
 * null without one, and for a file that is no image. Choice: a time without a zone is UTC, as in imported records.
 */
export async function photoTime(path: string): Promise<number | null> {
  try {
    const exif = await exifBlock(path);
    if (!exif) return null;
    const { Photo = {} } = readExif(exif);
    const taken = Photo.DateTimeOriginal ?? Photo.DateTimeDigitized;
    const time = taken instanceof Date ? taken.getTime() : Number.NaN;
    return Number.isFinite(time) ? time : null;
  } catch {
    // A damaged block says nothing of the time; whether the image itself can be read is found out when it is looked at.
    return null;
  }
}
