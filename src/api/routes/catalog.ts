import { SITE_CATEGORIES } from '../../config.ts';
import { join } from 'node:path';
import { whenWritable } from '../../catalog/artifacts/patient-write.ts';
import type { Receipt as WrittenReceipt } from '../../catalog/pins/receipt.ts';
import type { CatalogKind } from '../../catalog/pins/source-row.ts';
import { upsertBatch } from '../../catalog/pins/upsert.ts';
import type { App, Service } from './routes.ts';
import { BoardsBody, PinsBody, Receipt, replies, SavesBody } from '../schemas.ts';

const BODIES = { pins: PinsBody, boards: BoardsBody, saves: SavesBody } as const;

/** Batched upserts of the catalogue. New pins are served at once, their images looked at within seconds. */
export function catalogRoutes(app: App, { context }: Service): void {
  const categories = new Set(SITE_CATEGORIES);
  for (const kind of ['pins', 'boards', 'saves'] as const) {
    const schema = {
      summary: `Adds or changes ${kind}, row by row: a bad row stays out, is counted, and stops no other`,
      tags: ['catalogue'],
      body: BODIES[kind],
      response: replies(Receipt),
    };
    app.post(`/v1/${kind}`, { schema, config: { scope: 'catalogue', body: 'rows' } }, async (request) => {
      const records = (request.body as unknown as Record<CatalogKind, unknown[]>)[kind];
      const folders = { images: join(context.dataFolder, 'images'), data: context.dataFolder };
      const write = (): WrittenReceipt => upsertBatch(context.catalog, kind, records, { now: Date.now(), folders, categories }).receipt;
      const receipt = await whenWritable(context.catalog.database, write);
      await context.refresher.soon();
      Object.assign(request.line, { rows: receipt.read, written: receipt.written });
      return receipt;
    });
  }
}
