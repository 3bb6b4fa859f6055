/**
 * Optional traces, by OpenTelemetry's own library: a span per request, a span per stage of a list inside it, sent to an
 * OTLP address. The packages serve our tests only: who wants traces installs them beside the service. The caller's
 * `traceparent` (W3C Trace Context) is passed on, so that a slow list is found from the page that waited for it.
 */
import type { Context } from '@opentelemetry/api';
import { reasonOf, ServiceError } from '../../errors.ts';
import type { App } from '../routes/routes.ts';

type OtelApi = typeof import('@opentelemetry/api');
type Packages = [
  OtelApi,
  typeof import('@opentelemetry/sdk-trace-base'),
  typeof import('@opentelemetry/exporter-trace-otlp-http'),
  typeof import('@opentelemetry/resources'),
];

const PACKAGES = [
  '@opentelemetry/api',
  '@opentelemetry/sdk-trace-base',
  '@opentelemetry/exporter-trace-otlp-http',
  '@opentelemetry/resources',
];
const SERVER_KIND = 1;

/** Sends a trace of each request to `url` until the application closes. @throws CONFIG_INVALID naming the packages to install. */
export async function traceRequests(app: App, url: string, packages: readonly string[] = PACKAGES): Promise<void> {
  if (url === '') return;
  const [api, sdk, exporter, resources] = (await Promise.all(packages.map(load))) as Packages;
  const provider = new sdk.BasicTracerProvider({
    resource: resources.resourceFromAttributes({ 'service.name': 'related-pins' }),
    spanProcessors: [new sdk.BatchSpanProcessor(new exporter.OTLPTraceExporter({ url }))],
  });
  const tracer = provider.getTracer('related-pins');
  app.addHook('onResponse', async (request, reply) => {
    const { routeOptions, method, headers, id, line } = request;
    if (routeOptions.config.quiet) return;
    const endedAt = Date.now();
    const startedAt = endedAt - reply.elapsedTime;
    const route = routeOptions.url ?? 'unknown';
    const attributes = {
      'http.request.method': method,
      'http.route': route,
      'http.response.status_code': reply.statusCode,
      'related_pins.request_id': id,
    };
    const span = tracer.startSpan(
      `${method} ${route}`,
      { kind: SERVER_KIND, startTime: startedAt, attributes },
      parentOf(api, headers.traceparent),
    );
    let at = startedAt;
    for (const [stage, ms] of Object.entries((line.timings ?? {}) as Record<string, number>)) {
      const inside = tracer.startSpan(stage.replace(/Ms$/, ''), { startTime: at }, api.trace.setSpan(api.ROOT_CONTEXT, span));
      at += ms;
      inside.end(at);
    }
    span.end(endedAt);
  });
  app.addHook('onClose', () => provider.shutdown());
}

async function load(name: string): Promise<unknown> {
  try {
    return await import(name);
  } catch (error) {
    const problems = `RELATED_PINS_TRACES_URL is set and ${name} does not load (${reasonOf(error).split('\n')[0]}): npm install --no-save ${PACKAGES.join(' ')}, or empty the setting`;
    throw new ServiceError('CONFIG_INVALID', { problems }, error);
  }
}

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** The caller's span, when it sends one. */
function parentOf({ ROOT_CONTEXT, trace }: OtelApi, header: string | string[] | undefined): Context {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(String(header ?? '')) ?? [];
  if (traceId === undefined) return ROOT_CONTEXT;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true });
}
