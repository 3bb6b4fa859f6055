/** Who administered what: one JSON line each in `audit.jsonl` of the data folder, only ever appended to. */
import { appendFileSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';

interface AuditLine {
  /** The name of a key, or who called a job. */
  readonly who: string;
  /** `POST /v1/models/:name/promote`, `create-key`, ... */
  readonly action: string;
  /** What it was done to; never a user id. Cut at 200 characters. */
  readonly subject?: string;
  readonly status?: number;
  readonly requestId?: string;
  /** Of a caller who was refused. */
  readonly address?: string;
}

export const AUDIT_FILE = 'audit.jsonl';
const SUBJECT_MAX = 200;
/** A file of this size becomes `audit.1.jsonl`, and so on; the oldest of them goes. */
const FILE_BYTES = 16 * 2 ** 20;
const OLD_FILES = 7;

export function appendAudit(dataFolder: string, { subject, ...line }: AuditLine, fileBytes = FILE_BYTES): void {
  mkdirSync(dataFolder, { recursive: true, mode: 0o700 });
  const path = join(dataFolder, AUDIT_FILE);
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) >= fileBytes) rotate(dataFolder);
  const cut = subject === undefined ? {} : { subject: subject.slice(0, SUBJECT_MAX) };
  appendFileSync(path, `${JSON.stringify({ at: new Date().toISOString(), ...line, ...cut })}\n`, { mode: 0o600 });
}

function rotate(dataFolder: string): void {
  const fileOf = (age: number): string => join(dataFolder, age === 0 ? AUDIT_FILE : AUDIT_FILE.replace('.', `.${age}.`));
  for (let age = OLD_FILES - 1; age >= 0; age--) {
    try {
      renameSync(fileOf(age), fileOf(age + 1));
    } catch (error) {
      // Not there yet, or another process that keeps the trail was quicker.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
}
