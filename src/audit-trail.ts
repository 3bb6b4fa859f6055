/** Who administered what: one JSON line each in `audit.jsonl` of the data folder, only ever appended to. */
import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

export interface AuditLine {
  /** The name of a key, or who called a job. */
  readonly who: string;
  /** `POST /v1/models/:name/promote`, `create-key`, ... */
  readonly action: string;
  /** What it was done to; never a user id. */
  readonly subject?: string;
  readonly status?: number;
  readonly requestId?: string;
}

export const AUDIT_FILE = 'audit.jsonl';

export function appendAudit(dataFolder: string, line: AuditLine): void {
  mkdirSync(dataFolder, { recursive: true });
  appendFileSync(join(dataFolder, AUDIT_FILE), `${JSON.stringify({ at: new Date().toISOString(), ...line })}\n`, { mode: 0o600 });
}
