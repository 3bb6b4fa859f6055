/** Titles from file names: what a person wrote in them, without what a camera or a program did. */

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi;
/** Words with which cameras and programs begin the names of their files. */
const MACHINE = /^(img|imgp|image|dsc|dscn|dscf|pxl|mvimg|pict|photo|sam|gopr|cimg|imag|scan|screenshot|wa|whatsapp|download|unnamed)\d*$/i;
const NUMBER = /^\d+$/;

/**
 * The title in a file name without its extension: "oak-chair_2" is "oak chair 2". Ids, digests and long numbers are left
 * out. Null where nothing is left that a person wrote: "IMG_1234", "402.177.95".
 */
export function titleOfFile(stem: string): string | null {
  const words = stem
    .normalize('NFC')
    .replace(UUID, ' ')
    .split(/[\s\-_+.,]+/)
    .filter((word) => word !== '' && !isMade(word));
  const written = words.filter((word) => !MACHINE.test(word) && !NUMBER.test(word));
  return written.length === 0 ? null : words.filter((word) => !MACHINE.test(word)).join(' ');
}

/** Whether a program made a word: a digest, a random id, a time stamp or a long number. */
function isMade(word: string): boolean {
  if (/^\d{6,}$/.test(word)) return true;
  if (/^[0-9a-f]{8,}$/i.test(word) && /\d/.test(word)) return true;
  return word.length >= 10 && changesOfKind(word) >= 4;
}

/** How often letters and digits take turns: an id changes at nearly every place, a word with a number once. */
function changesOfKind(word: string): number {
  return word.match(/\d(?=\p{L})|\p{L}(?=\d)/gu)?.length ?? 0;
}

/** The title of a board in the path of a folder: "trips/2024_norway" is "trips / 2024 norway". */
export function titleOfFolder(path: string): string {
  return path
    .split('/')
    .map((part) => part.normalize('NFC').replace(/_+/g, ' ').trim())
    .join(' / ');
}
