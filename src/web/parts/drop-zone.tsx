import { useRef, useState } from 'preact/hooks';
import { asError, takeInPhotos, uploadPhoto, wantsKey } from '../api.ts';
import { KeyForm } from './key-form.tsx';

/** Photos sent at the same time. */
const AT_ONCE = 4;
const TAKEN = /\.(jpe?g|jfif|png|webp|gif|avif|tiff?|bmp|heic|heif|json)$|^(pins|boards|saves)\.(csv|tsv|jsonl|ndjson|parquet)$/i;

interface Photo {
  /** Relative to what was dropped, with slashes. */
  readonly path: string;
  readonly file: File;
}

type State =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'sending'; readonly done: number; readonly total: number }
  | { readonly kind: 'failed'; readonly error: Error; readonly again: () => void };

/** What stands where there are no pins: a folder of photos dropped here is what `related-pins open` would make of it. */
export function DropZone() {
  const [state, setState] = useState<State>({ kind: 'waiting' });
  const [over, setOver] = useState(false);
  const send = (photos: readonly Photo[]): void => {
    const taken = photos.filter(({ path }) => TAKEN.test(path.split('/').at(-1) ?? ''));
    if (taken.length === 0)
      return setState({ kind: 'failed', error: new Error('There is no photo in it.'), again: () => setState({ kind: 'waiting' }) });
    const sent = (done: number): void => setState({ kind: 'sending', done, total: taken.length });
    sent(0);
    sendAll(taken, sent).then(
      () => location.reload(),
      (error: unknown) => setState({ kind: 'failed', error: asError(error), again: () => send(photos) }),
    );
  };
  const drop = (event: DragEvent): void => {
    event.preventDefault();
    setOver(false);
    const entries = [...(event.dataTransfer?.items ?? [])].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
    void Promise.all(entries.map(photosOf)).then((found) => send(withoutRoot(found.flat())));
  };
  return (
    <section
      class={over ? 'drop-zone over' : 'drop-zone'}
      aria-label="Add photos"
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <h2>No pins yet</h2>
      {state.kind === 'waiting' && <Invitation onPick={send} />}
      {state.kind === 'sending' && (
        <p role="status">
          <progress max={state.total} value={state.done} /> {state.done} of {state.total} files
        </p>
      )}
      {state.kind === 'failed' && <Failed {...state} />}
    </section>
  );
}

function Invitation({ onPick }: { onPick: (photos: readonly Photo[]) => void }) {
  const picker = useRef<HTMLInputElement>(null);
  const pick = (): void =>
    onPick(withoutRoot([...(picker.current?.files ?? [])].map((file) => ({ path: file.webkitRelativePath || file.name, file }))));
  return (
    <>
      <p>Drop a folder of photos here. Its subfolders become boards, file names become titles.</p>
      <input
        ref={picker}
        type="file"
        hidden
        multiple
        onChange={pick}
        {...({ webkitdirectory: true } as Record<string, boolean>)}
        aria-label="Folder of photos"
      />
      <button type="button" class="primary" onClick={() => picker.current?.click()}>
        Choose a folder
      </button>
      <p class="hint">
        Or run <code>related-pins open FOLDER</code>, or <code>related-pins import-catalog</code> for files of records.
      </p>
    </>
  );
}

function Failed({ error, again }: { error: Error; again: () => void }) {
  return (
    <div role="alert">
      <p>{error.message}</p>
      {wantsKey(error) ? (
        <KeyForm onKey={again} />
      ) : (
        <button type="button" onClick={again}>
          Try again
        </button>
      )}
    </div>
  );
}

/** Sends files a few at a time, then has them taken in. */
async function sendAll(photos: readonly Photo[], sent: (done: number) => void): Promise<void> {
  const waiting = [...photos];
  let done = 0;
  const work = async (): Promise<void> => {
    for (let photo = waiting.shift(); photo; photo = waiting.shift()) {
      await uploadPhoto(photo.path, photo.file);
      sent(++done);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  await takeInPhotos();
}

/** Every file in what was dropped, folders opened. */
async function photosOf(entry: FileSystemEntry): Promise<Photo[]> {
  if (entry.isFile) {
    const file = await new Promise<File>((done, failed) => (entry as FileSystemFileEntry).file(done, failed));
    return [{ path: entry.fullPath.slice(1), file }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: Photo[] = [];
  // A reader gives a hundred entries at a time.
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((done, failed) => reader.readEntries(done, failed));
    if (some.length === 0) return found;
    for (const inner of some) found.push(...(await photosOf(inner)));
  }
}

/** The one folder that holds everything is no board. */
function withoutRoot(photos: readonly Photo[]): readonly Photo[] {
  const roots = new Set(photos.map(({ path }) => path.split('/')[0]));
  const isOne = roots.size === 1 && photos.every(({ path }) => path.includes('/'));
  return isOne ? photos.map(({ path, file }) => ({ path: path.slice(path.indexOf('/') + 1), file })) : photos;
}
