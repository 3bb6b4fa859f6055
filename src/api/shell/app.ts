/** (context) -> the HTTP application, without a socket: settings of the shell, the one error handler, and the routes. */
import Fastify, { type FastifyRequest, LogController } from 'fastify';
import type { Context } from '../../service/context.ts';
import { reasonOf } from '../../errors.ts';
import { Admission, limitsOf } from './admission.ts';
import { admit } from './admission-hooks.ts';
import { auditAdministration } from './administration-audit.ts';
import { refuseForeign } from './caller-site.ts';
import { answerClientError } from './client-error.ts';
import { closeupRoutes } from '../routes/closeup.ts';
import { allowOrigins } from './cors.ts';
import { buildSerializer, buildValidator } from './compilers.ts';
import { compressReplies } from './compression.ts';
import { takeEncodedBodies } from './encoded-body.ts';
import { takeBodiesExactly } from './exact-body.ts';
import { forwardTheRest, PASSED_BY_NODE, writingThread } from './forward.ts';
import { guard } from './guard.ts';
import { homeFeedRoutes } from '../routes/home-feed.ts';
import { takeJson } from './json-body.ts';
import { Keys } from './keys.ts';
import { Metrics } from './metrics.ts';
import { isPageAddress } from './page-address.ts';
import { isForOperators, sendProblem, serviceErrorOf } from './problem.ts';
import { rankRoutes } from '../routes/rank.ts';
import { type RequestLog, requestLog } from './request-log.ts';
import type { Config } from '../../config.ts';
import { securityHeaders } from './security-headers.ts';
import { bringSharedPast } from './shared-past.ts';
import type { App, Service } from '../routes/routes.ts';
import { traceRequests } from './tracing.ts';
import { UnknownRoute } from './unknown-route.ts';

/** Routes that a reading thread answers itself. */
const READING: readonly ((app: App, service: Service) => void)[] = [closeupRoutes, homeFeedRoutes, rankRoutes];

export interface AppShape {
  /** Reading threads stand before this one and say whom they ask for. */
  readonly behindReaders?: boolean;
  /** A reading thread: the socket of the writing one, which answers everything but lists. */
  readonly writer?: string;
}

export interface BuiltApp {
  readonly app: App;
  readonly metrics: Metrics;
  readonly log: RequestLog;
}

export async function buildApp(context: Context): Promise<App> {
  return (await buildService(context)).app;
}

/** The application of one thread or, by its shape, of one of several. */
export async function buildService(context: Context, { behindReaders = false, writer }: AppShape = {}): Promise<BuiltApp> {
  const { config } = context;
  const log = requestLog();
  const app = bareApp(config, behindReaders, log);
  app.server.maxConnections = config.maxConnections;
  const admission = new Admission(limitsOf(config));
  const metrics = new Metrics(context, admission, log);
  const keys = new Keys(context.dataFolder, config.keys);
  keys.onProblem = (problem) => app.log.error({ problem }, 'stored keys are refused until their file is mended');
  answerErrors(app, config, ({ headers }) => behindReaders || headers[PASSED_BY_NODE] !== undefined);
  const unknown = new UnknownRoute(app);
  app.setNotFoundHandler((request, reply) => {
    if (isPageAddress(request)) return reply.header('cache-control', 'no-cache').sendFile('index.html');
    return sendProblem(unknown.errorFor(request), request, reply);
  });
  oneLinePerRequest(app, metrics);
  securityHeaders(app);
  limitTime(app, config.requestTimeoutMs);
  allowOrigins(app, config.origins);
  refuseForeign(app, config, () => keys.any);
  guard(app, context, keys, writer === undefined ? 1 : 1 / config.workers);
  compressReplies(app);
  takeEncodedBodies(app);
  takeJson(app, config);
  bringSharedPast(app, context);
  takeUpSwitches(app, context);
  admit(app, admission, config, unknown);
  auditAdministration(app, context.dataFolder);
  await traceRequests(app, config.tracesUrl);
  takeBodiesExactly(app);
  if (writer !== undefined) {
    for (const routes of READING) routes(app, { context, metrics, keys });
    await forwardTheRest(app, writingThread(writer));
    return { app, metrics, log };
  }
  // Read only here: a reading thread needs none of it, and would hold it in its memory.
  const { everyRoute } = await import('../routes/every-route.ts');
  await everyRoute(app, { context, metrics, keys });
  return { app, metrics, log };
}

/** Fastify as the settings say, without routes. */
export function bareApp(config: Config, behindReaders: boolean, log: RequestLog): App {
  return Fastify({
    // Readers say for whom they ask; others only where the operator trusts who says it.
    trustProxy: behindReaders || (config.proxies.length > 0 && [...config.proxies]),
    logger: config.logLevel === 'silent' ? false : { level: config.logLevel, stream: log.stream },
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: config.bodyLimitBytes,
    requestTimeout: config.requestTimeoutMs,
    return503OnClosing: false,
    clientErrorHandler: answerClientError,
    frameworkErrors: (error, request, reply) => {
      sendProblem(serviceErrorOf(error, config.bodyLimitBytes), request as never, reply as never);
    },
    http: { headersTimeout: Math.min(HEADERS_MS, config.requestTimeoutMs), connectionsCheckingInterval: CHECK_MS },
    routerOptions: { maxParamLength: 2048 },
    ajv: { customOptions: { coerceTypes: 'array', removeAdditional: false, allErrors: false } },
    schemaController: { compilersFactory: { buildValidator, buildSerializer } },
  }) as unknown as App;
}

/**
 * `isPassedOn`: whether another process of ours sends the body. It would meet a closed connection in the middle of it, lose the
 * answer, and say that nobody is there; so the connection stays, and the rest of the body is thrown away.
 */
export function answerErrors(app: App, config: Config, isPassedOn: (request: FastifyRequest) => boolean = () => false): void {
  app.setErrorHandler((error: Error, request, reply) => {
    if (isPassedOn(request)) reply.removeHeader('connection');
    const known = serviceErrorOf(error, request.routeOptions.bodyLimit ?? config.bodyLimitBytes, request.headers['content-type']);
    request.line.code = known.code;
    if (known.code === 'IMAGE_URL_REFUSED' && known.cause) request.line.reason = reasonOf(known.cause);
    if (isForOperators(known)) request.log.error({ err: known.cause ?? known }, known.message);
    return sendProblem(known, request, reply);
  });
}

/** A connection that has not said what it wants by then is closed. */
const HEADERS_MS = 10_000;
/** How often slow connections are looked for. */
const CHECK_MS = 2000;

/**
 * A handler that takes too long is answered for. Not those that wait for nothing but memory and the group commit: there
 * is nothing to give up, and the timer and its signal would cost each of them as much as the reply.
 */
function limitTime(app: App, requestTimeoutMs: number): void {
  app.addHook('onRoute', (route) => {
    if (!route.config?.prompt) route.handlerTimeout = requestTimeoutMs;
  });
}

/** Whatever was taken away or switched in any process is known before a reply is made here. */
function takeUpSwitches(app: App, context: Context): void {
  app.addHook('preHandler', (_, __, done) => {
    context.refresher.switched();
    done();
  });
}

function oneLinePerRequest(app: App, metrics: Metrics): void {
  app.decorateRequest('line');
  app.addHook('onRequest', (request, _, done) => {
    request.line = {};
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    const { method, routeOptions } = request;
    const { statusCode: status, elapsedTime } = reply;
    const route = routeOptions.url ?? 'unknown';
    metrics.requests.observe(elapsedTime / 1000, route, String(status));
    const ms = Math.round(elapsedTime * 1000) / 1000;
    if (!routeOptions.config.quiet) request.log.info({ method, route, status, ms, ...request.line }, 'request');
    done();
  });
}
