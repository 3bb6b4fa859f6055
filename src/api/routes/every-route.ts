/** Every route of a process that writes: lists, everything around them, the description of the interface, and the pages. */
import swagger from '@fastify/swagger';
import { namedDocument, type OpenApiDocument } from '../shell/openapi.ts';
import { boardRoutes } from './boards.ts';
import { catalogRoutes } from './catalog.ts';
import { closeupRoutes } from './closeup.ts';
import { eventRoutes } from './events.ts';
import { experimentRoutes } from './experiments.ts';
import { healthRoutes } from './health.ts';
import { homeFeedRoutes } from './home-feed.ts';
import { imageRoutes } from './images.ts';
import { jobRoutes } from './jobs.ts';
import { modelDetailRoutes } from './model-details.ts';
import { modelRoutes } from './models.ts';
import { nearDuplicateRoutes } from './near-duplicates.ts';
import { netRoutes } from './nets.ts';
import { photoRoutes } from './photos.ts';
import { pinRoutes } from './pins.ts';
import { rankRoutes } from './rank.ts';
import { relatedRoutes } from './related.ts';
import { removalRoutes } from './removals.ts';
import { servedListRoutes } from './served-lists.ts';
import { statusRoutes } from './status.ts';
import { userRoutes } from './users.ts';
import { visualSearchRoutes } from './visual-search.ts';
import { pageRoutes } from './pages.ts';
import type { App, Service } from './routes.ts';

const ROUTES: readonly ((app: App, service: Service) => void)[] = [
  closeupRoutes,
  homeFeedRoutes,
  rankRoutes,
  relatedRoutes,
  eventRoutes,
  servedListRoutes,
  catalogRoutes,
  removalRoutes,
  nearDuplicateRoutes,
  visualSearchRoutes,
  pinRoutes,
  boardRoutes,
  photoRoutes,
  imageRoutes,
  userRoutes,
  modelRoutes,
  modelDetailRoutes,
  netRoutes,
  jobRoutes,
  experimentRoutes,
  healthRoutes,
  statusRoutes,
];

const OPENAPI = {
  openapi: {
    openapi: '3.1.0',
    info: {
      title: 'related-pins',
      description: 'Given a pin, which pins do people want to see next?',
      version: '1',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    components: { securitySchemes: { key: { type: 'http' as const, scheme: 'bearer' } } },
  },
};

export async function everyRoute(app: App, service: Service): Promise<void> {
  await app.register(swagger, OPENAPI);
  for (const routes of ROUTES) routes(app, service);
  let described: OpenApiDocument | null = null;
  app.get('/v1/openapi.json', { schema: { summary: 'This document', tags: ['health'] } }, async () => {
    described ??= namedDocument(app.swagger() as unknown as OpenApiDocument);
    return described;
  });
  await pageRoutes(app);
}
