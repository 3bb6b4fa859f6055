/** (context) -> the HTTP application, without a socket: settings of the shell, the one error handler, and the list of routes. */
import helmet from '@fastify/helmet';
import swagger from '@fastify/swagger';
import Fastify from 'fastify';
import type { Context } from '../context.ts';
import { ServiceError } from '../errors.ts';
import { catalogRoutes } from './catalog.ts';
import { closeupRoutes } from './closeup.ts';
import { eventRoutes } from './events.ts';
import { experimentRoutes } from './experiments.ts';
import { healthRoutes } from './health.ts';
import { homeFeedRoutes } from './home-feed.ts';
import { imageRoutes } from './images.ts';
import { Keys } from './keys.ts';
import { Metrics } from './metrics.ts';
import { modelRoutes } from './models.ts';
import { objectRoutes } from './objects.ts';
import { isPageAddress, pageRoutes } from './pages.ts';
import { pinRoutes } from './pins.ts';
import { sendProblem, serviceErrorOf } from './problem.ts';
import { rankRoutes } from './rank.ts';
import type { App, Service } from './routes.ts';
import { userRoutes } from './users.ts';

const ROUTES: readonly ((app: App, service: Service) => void)[] = [
  closeupRoutes,
  homeFeedRoutes,
  rankRoutes,
  eventRoutes,
  catalogRoutes,
  objectRoutes,
  pinRoutes,
  imageRoutes,
  userRoutes,
  modelRoutes,
  experimentRoutes,
  healthRoutes,
];

export async function buildApp(context: Context): Promise<App> {
  const { config } = context;
  const app = Fastify({
    logger: config.logLevel === 'silent' ? false : { level: config.logLevel },
    disableRequestLogging: true,
    bodyLimit: config.bodyLimitBytes,
    routerOptions: { maxParamLength: 2048 },
    ajv: { customOptions: { coerceTypes: 'array', removeAdditional: false, allErrors: false } },
  }) as unknown as App;
  const metrics = new Metrics(context);
  app.setErrorHandler((error: Error, request, reply) => {
    const known = serviceErrorOf(error, config.bodyLimitBytes);
    request.line.code = known.code;
    if (known.status >= 500) request.log.error({ err: known.cause ?? known }, known.message);
    return sendProblem(known, request, reply);
  });
  app.setNotFoundHandler((request, reply) => {
    const { method } = request;
    if (isPageAddress(request)) return reply.header('cache-control', 'no-cache').sendFile('index.html');
    return sendProblem(new ServiceError('ROUTE_UNKNOWN', { method, path: request.url.split('?')[0] }), request, reply);
  });
  guard(app, new Keys(context.dataFolder, config.keys), config.readKeyRequired);
  oneLinePerRequest(app, metrics);
  await app.register(helmet, HEADERS);
  await app.register(swagger, OPENAPI);
  for (const routes of ROUTES) routes(app, { context, metrics });
  app.get('/v1/openapi.json', { schema: { summary: 'This document', tags: ['health'] } }, async () => app.swagger());
  await pageRoutes(app);
  return app;
}

const HEADERS = {
  contentSecurityPolicy: {
    directives: {
      defaultSrc: ["'self'"],
      imgSrc: ["'self'", 'data:', 'blob:'],
      styleSrc: ["'self'"],
      scriptSrc: ["'self'"],
      connectSrc: ["'self'"],
      objectSrc: ["'none'"],
      baseUri: ["'none'"],
      formAction: ["'self'"],
      frameAncestors: ["'none'"],
      upgradeInsecureRequests: null,
    },
  },
  strictTransportSecurity: false,
};

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

/** Checks the key of routes that say what it must be allowed to do. Reading is free unless a setting says otherwise. */
function guard(app: App, keys: Keys, readKeyRequired: boolean): void {
  app.decorateRequest('line');
  app.decorateRequest('keyName', null);
  app.addHook('onRequest', async (request) => {
    request.line = {};
    const { scope } = request.routeOptions.config;
    if (scope === undefined || (scope === 'read' && !readKeyRequired) || !keys.any) return;
    request.keyName = keys.check(request.headers.authorization, scope);
  });
}

function oneLinePerRequest(app: App, metrics: Metrics): void {
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unknown';
    metrics.requests.observe({ route, status: String(reply.statusCode) }, reply.elapsedTime / 1000);
    if (request.routeOptions.config.quiet) return;
    const { method } = request;
    const ms = Math.round(reply.elapsedTime * 1000) / 1000;
    request.log.info({ method, route, status: reply.statusCode, ms, ...request.line }, 'request');
  });
}
