/** The nets over HTTP: which serve, which could, and the switch between them. What the page /nets shows. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Type } from 'typebox';
import { reasonOf } from '../../errors.ts';
import { coverageOf, netNamed, rollBackServing, switchServing } from '../../service/net-switching.ts';
import { staleParts } from '../../service/stale-parts.ts';
import { activeNet, BUNDLED, FORMER_NETS, namedNet, netSwitches } from '../../vision/net-folder.ts';
import { Nullable, type Reply, replies } from '../schemas.ts';
import type { Context } from '../../service/context.ts';
import type { App, Service } from './routes.ts';

const NetRow = Type.Object({
  name: Type.String({ description: 'By which it is switched to.' }),
  net: Nullable(Type.String({ description: 'As its manifest calls it.' })),
  digest: Nullable(Type.String()),
  serving: Type.Boolean(),
  images: Type.Integer({ description: 'Pictures of the catalog.' }),
  missing: Type.Integer({ description: 'Of them, those it has not read.' }),
  problem: Nullable(Type.String({ description: 'Why it cannot be used.' })),
});
const Switch = Type.Object({
  net: Type.String(),
  model: Nullable(Type.String()),
  at: Type.String(),
  why: Type.String(),
});
const Nets = Type.Object(
  {
    nets: Type.Array(NetRow),
    detectors: Type.Array(Type.Object({ name: Type.String(), digest: Type.String() })),
    switches: Type.Array(Switch, { description: 'The newest first.' }),
    stale: Type.Array(Type.Object({ job: Type.String(), reason: Type.String() })),
  },
  { description: 'Visual nets, detectors, and the switches so far.' },
);
export type NetsReply = Reply<typeof Nets>;
const Named = Type.Object({ name: Type.String({ maxLength: 100, pattern: '^[A-Za-z0-9][A-Za-z0-9._-]*$' }) });
const Why = Type.Object(
  { why: Type.Optional(Type.String({ maxLength: 1000 })), model: Type.Optional(Type.String({ maxLength: 100 })) },
  { additionalProperties: false },
);
const OnlyWhy = Type.Object({ why: Type.Optional(Type.String({ maxLength: 1000 })) }, { additionalProperties: false });

export function netRoutes(app: App, { context }: Service): void {
  const schema = (summary: string) => ({ summary, tags: ['nets'], response: replies(Nets) });
  const admin = { scope: 'admin' } as const;
  const { catalog, dataFolder, registry, looks } = context;
  app.get('/v1/nets', { schema: schema('The nets there are, and which serve'), config: { scope: 'admin', quiet: true } }, async () =>
    netsReply(context),
  );
  app.post(
    '/v1/nets/:name/switch',
    { schema: { ...schema('Makes another net serve, with its features, lists and model'), params: Named, body: Why }, config: admin },
    async ({ params: { name }, body: { why = '', model }, keyName }) => {
      const given = { catalog, store: looks.store, registry, dataFolder };
      switchServing(given, name, { who: keyName ?? 'http', why, force: false }, model ?? null);
      await context.refresh();
      return netsReply(context);
    },
  );
  app.post(
    '/v1/nets/roll-back',
    { schema: { ...schema('Takes the last switch of nets back'), body: OnlyWhy }, config: admin },
    async ({ body: { why = '' }, keyName }) => {
      rollBackServing({ registry, dataFolder }, { who: keyName ?? 'http', why });
      await context.refresh();
      return netsReply(context);
    },
  );
}

function netsReply(context: Context) {
  const { dataFolder, looks } = context;
  const serving = activeNet(dataFolder, 'visual');
  const names = [...new Set([BUNDLED, ...FORMER_NETS, ...ownNets(dataFolder)])];
  return {
    nets: names.map((name) => netRow(context, name, namedNet(dataFolder, name) === serving)),
    detectors: looks.detectors.detectors.map(({ name, net }) => ({ name, digest: net.digest })),
    switches: netSwitches(dataFolder)
      .map(({ net, model, at, why }) => ({ net, model, at, why }))
      .reverse(),
    stale: staleParts(dataFolder).map((part) => ({ ...part })),
  };
}

function netRow({ dataFolder, catalog, looks }: Context, name: string, serving: boolean) {
  try {
    const net = netNamed(dataFolder, name);
    return { name, net: net.manifest.name, digest: net.digest, serving, ...coverageOf(catalog, looks.store, net), problem: null };
  } catch (error) {
    return { name, net: null, digest: null, serving, images: 0, missing: 0, problem: reasonOf(error) };
  }
}

/** Folders of `nets/` that hold a visual net. */
function ownNets(dataFolder: string): string[] {
  const root = join(dataFolder, 'nets');
  const holdsNet = (name: string): boolean => statSync(join(root, name, 'manifest.json'), { throwIfNoEntry: false }) !== undefined;
  if (!statSync(root, { throwIfNoEntry: false })) return [];
  return readdirSync(root).filter((name) => name !== 'detector' && name !== 'detectors' && holdsNet(name));
}
