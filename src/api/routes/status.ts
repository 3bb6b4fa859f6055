/** The status of the installation in one reply: what the page /status shows. */
import { Type } from 'typebox';
import { builds, pinCounts, storage, traffic, TRAFFIC_MINUTES, troubles } from '../../service/status.ts';
import { Nullable, replies } from '../schemas.ts';
import type { App, Service } from './routes.ts';

const Trial = Type.Union([Type.Object({ model: Type.String(), share: Type.Number() }), Type.Null()]);
const Status = Type.Object(
  {
    at: Type.String({ description: 'ISO 8601' }),
    startedAt: Type.String({ description: 'When this process began, ISO 8601' }),
    pins: Type.Object({
      pins: Type.Integer(),
      withImage: Type.Integer(),
      withoutFeatures: Type.Integer({ description: 'Pictures that the serving net has not read yet.' }),
      imagesRefused: Type.Integer(),
    }),
    boards: Type.Integer(),
    saves: Type.Integer(),
    users: Type.Integer(),
    models: Type.Object({
      serving: Type.String(),
      homeFeed: Nullable(Type.String()),
      rank: Nullable(Type.String()),
      canary: Trial,
      dark: Trial,
      stored: Type.Integer(),
    }),
    nets: Type.Object({
      visual: Type.Union([Type.Object({ name: Type.String(), digest: Type.String() }), Type.Null()]),
      detectors: Type.Array(Type.Object({ name: Type.String(), digest: Type.String() })),
    }),
    builds: Type.Array(Type.Object({ name: Type.String(), version: Type.String(), at: Type.String() })),
    traffic: Type.Object(
      { lists: Type.Array(Type.Integer()), events: Type.Array(Type.Integer()) },
      { description: `Of each of the last ${TRAFFIC_MINUTES} minutes, the oldest first.` },
    ),
    log: Type.Object({
      lists: Type.Integer(),
      events: Type.Integer(),
      eventsKeptApart: Type.Integer({ description: 'Their list is unknown so far.' }),
    }),
    runningExperiments: Type.Integer(),
    storage: Type.Object({
      parts: Type.Array(Type.Object({ name: Type.String(), bytes: Type.Number() })),
      freeBytes: Type.Number(),
    }),
    troubles: Type.Array(
      Type.Object({
        about: Type.String(),
        says: Type.String(),
        wayOut: Type.String(),
        job: Nullable(Type.String({ description: 'A job that mends it, to be run by POST /v1/jobs/JOB/run.' })),
      }),
      { description: 'What is degraded, stale, refused or missing; empty while all is well.' },
    ),
  },
  { description: 'How the installation stands.' },
);

/** Rows of tables that only grow are counted at most this often. */
const COUNT_MS = 10_000;

export function statusRoutes(app: App, { context }: Service): void {
  const startedAt = new Date(Date.now() - 1000 * process.uptime()).toISOString();
  const { catalog, log, registry, looks } = context;
  const count = () => ({
    saves: catalog.saves.count(),
    users: catalog.users.count(),
    boards: catalog.boards.count(),
    log: { lists: log.lists.count(), events: log.events.count(), eventsKeptApart: log.events.countStrays() },
    storage: storage(context.dataFolder),
  });
  let counted: { readonly at: number; readonly value: ReturnType<typeof count> } = { at: Number.NEGATIVE_INFINITY, value: count() };
  const lately = () => {
    const now = performance.now();
    if (now - counted.at > COUNT_MS) counted = { at: now, value: count() };
    return counted.value;
  };
  app.get(
    '/v1/status',
    {
      schema: { summary: 'What serves, what was built, what is asked, what is wrong', tags: ['health'], response: replies(Status) },
      config: { scope: 'admin', quiet: true },
    },
    async () => {
      const now = Date.now();
      const pins = pinCounts(context);
      const { servingOn, canary, dark } = registry.roles();
      const { boards, saves, users, log: logged, storage: stored } = lately();
      return {
        at: new Date(now).toISOString(),
        startedAt,
        pins,
        boards,
        saves,
        users,
        models: {
          serving: context.models.current().name,
          homeFeed: servingOn['home-feed'],
          rank: servingOn.rank,
          canary,
          dark,
          stored: registry.names().length,
        },
        nets: {
          visual: looks.net && { name: looks.net.name, digest: looks.net.digest },
          detectors: looks.detectors.detectors.map(({ name, net }) => ({ name, digest: net.digest })),
        },
        builds: [...builds(context.dataFolder)],
        traffic: traffic(context, now),
        log: logged,
        runningExperiments: context.experiments.store.running().length,
        storage: { parts: [...stored.parts], freeBytes: stored.freeBytes },
        troubles: [...troubles(context, pins)],
      };
    },
  );
}
