/** Where a writer publishes and nodes look, to be taken away and brought back: a folder, or a bucket of a real S3 server. */
import { existsSync, renameSync } from 'node:fs';
import { BUCKET, startS3 } from './s3-server.ts';
import type { Environment } from './service-process.ts';

export interface PublicationPlace {
  /** As `--to` and `--follow` take it. */
  readonly url: string;
  /** The settings under which the program finds it. */
  readonly environment: Environment;
  takeAway(): Promise<void>;
  bringBack(): Promise<void>;
  remove(): Promise<void>;
}

export function folderPlace(folder: string): PublicationPlace {
  const away = `${folder}-away`;
  return {
    url: folder,
    environment: {},
    async takeAway() {
      renameSync(folder, away);
    },
    async bringBack() {
      if (existsSync(away)) renameSync(away, folder);
    },
    async remove() {},
  };
}

export async function bucketPlace(): Promise<PublicationPlace> {
  const server = await startS3();
  return {
    url: `s3://${BUCKET}/published`,
    environment: server.environment,
    takeAway: () => server.stop(),
    bringBack: () => server.start(),
    remove: () => server.remove(),
  };
}
