/** A folder of photos over HTTP, file by file: what the drop zone of the empty explorer sends. Taken in as `open` takes in a folder. */
import { SITE_CATEGORIES } from '../../config.ts';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Type } from 'typebox';
import { diskFullError } from '../../catalog/database.ts';
import { isOfPhotoFolder } from '../../catalog/readers/photo-files.ts';
import { ServiceError } from '../../errors.ts';
import { type IntakeReceipt, takeInPhotos } from '../../service/photo-intake.ts';
import { replies } from '../schemas.ts';
import type { App, Service } from './routes.ts';

/** Folders below one another. */
const DEPTH_MAX = 12;
/** Bytes of a name, as file systems bound them. */
const NAME_BYTES_MAX = 240;

const Stored = Type.Object({ path: Type.String(), bytes: Type.Integer() });
const TakenIn = Type.Object({
  photos: Type.Integer(),
  added: Type.Integer(),
  changed: Type.Integer(),
  removed: Type.Integer(),
  unchanged: Type.Integer(),
  boards: Type.Integer(),
  rejected: Type.Record(Type.String(), Type.Object({ count: Type.Integer(), files: Type.Array(Type.String()) })),
});

export function photoRoutes(app: App, { context }: Service): void {
  const { dataFolder } = context;
  const folder = join(dataFolder, 'photos');
  const store = {
    summary: 'Stores one file of a folder of photos: `image`, and its `path` inside the folder',
    tags: ['catalogue'],
    consumes: ['multipart/form-data'],
    response: replies(Stored),
  };
  app.post('/v1/photos', { schema: store, config: { scope: 'catalogue', form: true, body: 'picture' } }, async ({ form }) => {
    const path = checkedPath(form?.fields.path);
    if (!form?.image) throw new ServiceError('REQUEST_INVALID', { field: 'image', detail: 'image: send the file as multipart/form-data' });
    try {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      // A look that comes now sees the whole file or none: names that begin with a dot are passed over.
      const draft = join(dirname(join(folder, path)), `.${process.pid}-${Date.now()}-${Math.random()}`);
      writeFileSync(draft, form.image);
      renameSync(draft, join(folder, path));
    } catch (error) {
      throw diskFullError(error, dataFolder);
    }
    return { path, bytes: form.image.length };
  });
  const takeIn = {
    summary: 'Takes the stored photos into the catalog, and has refresh do what is due',
    tags: ['catalogue'],
    response: replies(TakenIn),
  };
  let closing = false;
  app.addHook('onClose', async () => {
    closing = true;
  });
  let running: Promise<IntakeReceipt> | null = null;
  app.post('/v1/photos/take-in', { schema: takeIn, config: { scope: 'catalogue' } }, async (request) => {
    const categories = new Set(SITE_CATEGORIES);
    mkdirSync(folder, { recursive: true });
    running ??= takeInPhotos(context.catalog, folder, { dataFolder, categories }).finally(() => {
      running = null;
    });
    const receipt = await running;
    await context.refresher.soon();
    if (receipt.added + receipt.changed + receipt.removed > 0) void refreshLater(request.keyName ?? 'http');
    return receipt;
  });

  /** When this process has looked at the pictures itself, a job does the rest: objects, lists, groups. */
  const refreshLater = async (who: string): Promise<void> => {
    await context.refresher.imagesSettled();
    try {
      if (!closing) context.jobs.ask('refresh', who);
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      // One that runs or waits takes these in as well.
    }
  };
}

/** A path inside the folder, of a file that a folder of photos may hold. @throws REQUEST_INVALID */
function checkedPath(given: unknown): string {
  const refuse = (reason: string): ServiceError => new ServiceError('REQUEST_INVALID', { field: 'path', detail: `path: ${reason}` });
  if (typeof given !== 'string' || given === '') throw refuse('name the file inside the folder');
  const parts = given.normalize('NFC').split('/');
  const odd = parts.find(
    (part) => part === '' || part.startsWith('.') || /[\\\p{Cc}]/u.test(part) || Buffer.byteLength(part) > NAME_BYTES_MAX,
  );
  if (odd !== undefined || parts.length > DEPTH_MAX) throw refuse('it must be a plain path with slashes, without hidden names');
  if (!isOfPhotoFolder(parts.join('/'))) throw refuse('only photos, their JSON files, and tables of pins, boards and saves are taken');
  return parts.join('/');
}
