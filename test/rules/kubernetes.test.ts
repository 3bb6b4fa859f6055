/**
 * The deploy files of several machines: their structure, field by field, and that what they name is there. Choice: shapes of the
 * eight kinds that we use, written here, and no package with the schemas of all kinds of Kubernetes, which would be one more thing
 * to install for four files. A field that is misspelt or in the wrong place is refused either way; ranges of values are not checked.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Cron } from 'croner';
import { type TSchema, Type } from 'typebox';
import { Errors } from 'typebox/value';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { readConfig, SETTINGS } from '../../src/config.ts';
import { openStore } from '../../src/publication/open-store.ts';
import { SCHEDULABLE_JOBS } from '../../src/schedule/schedule-file.ts';

const DEPLOY = join(import.meta.dirname, '../../deploy');
const FOLDER = join(DEPLOY, 'kubernetes');

const obj = (fields: Record<string, TSchema>): TSchema => Type.Object(fields, { additionalProperties: false });
const opt = (schema: TSchema): TSchema => Type.Optional(schema);
const text = Type.String({ minLength: 1 });
const texts = Type.Array(text);
const whole = Type.Integer({ minimum: 0 });
const map = Type.Record(Type.String(), Type.String());
const meta = obj({ name: text, labels: opt(map) });
const selector = obj({ matchLabels: map });
const key = obj({ name: text, key: text });
const env = obj({ name: text, value: opt(Type.String()), valueFrom: opt(obj({ secretKeyRef: key })) });
const probe = obj({
  httpGet: obj({ path: text, port: text }),
  periodSeconds: opt(whole),
  failureThreshold: opt(whole),
  timeoutSeconds: opt(whole),
});
const container = obj({
  name: text,
  image: text,
  command: opt(texts),
  args: opt(texts),
  ports: opt(Type.Array(obj({ name: text, containerPort: whole }))),
  envFrom: opt(Type.Array(obj({ configMapRef: obj({ name: text }) }))),
  env: opt(Type.Array(env)),
  startupProbe: opt(probe),
  readinessProbe: opt(probe),
  livenessProbe: opt(probe),
  resources: obj({ requests: map, limits: map }),
  securityContext: obj({
    allowPrivilegeEscalation: Type.Literal(false),
    readOnlyRootFilesystem: Type.Literal(true),
    capabilities: obj({ drop: Type.Tuple([Type.Literal('ALL')]) }),
  }),
  volumeMounts: opt(Type.Array(obj({ name: text, mountPath: text, readOnly: opt(Type.Boolean()) }))),
});
/** None that several pods mount: what they share lies in a bucket. */
const volume = obj({ name: text, emptyDir: obj({ sizeLimit: opt(text) }) });
const pod = obj({
  // A Service named like the program would set RELATED_PINS_PORT.
  enableServiceLinks: Type.Literal(false),
  restartPolicy: opt(Type.Literal('Never')),
  terminationGracePeriodSeconds: opt(whole),
  securityContext: obj({ runAsNonRoot: Type.Literal(true), runAsUser: whole, fsGroup: opt(whole) }),
  containers: Type.Array(container, { minItems: 1 }),
  volumes: opt(Type.Array(volume)),
});
const template = obj({ metadata: obj({ labels: map, annotations: opt(map) }), spec: pod });
const claim = obj({ accessModes: texts, resources: obj({ requests: obj({ storage: text }) }) });
const kind = (apiVersion: string, name: string, rest: Record<string, TSchema>): TSchema =>
  obj({ apiVersion: Type.Literal(apiVersion), kind: Type.Literal(name), metadata: meta, ...rest });

const KINDS: Readonly<Record<string, TSchema>> = {
  Service: kind('v1', 'Service', {
    spec: obj({ selector: map, ports: Type.Array(obj({ name: text, port: whole, targetPort: text })) }),
  }),
  ConfigMap: kind('v1', 'ConfigMap', { data: map }),
  Secret: kind('v1', 'Secret', { stringData: map }),
  StatefulSet: kind('apps/v1', 'StatefulSet', {
    spec: obj({
      serviceName: text,
      replicas: Type.Literal(1),
      selector,
      template,
      volumeClaimTemplates: Type.Array(obj({ metadata: meta, spec: claim })),
    }),
  }),
  Deployment: kind('apps/v1', 'Deployment', {
    spec: obj({
      replicas: whole,
      selector,
      strategy: obj({ rollingUpdate: obj({ maxUnavailable: whole, maxSurge: whole }) }),
      template,
    }),
  }),
  HorizontalPodAutoscaler: kind('autoscaling/v2', 'HorizontalPodAutoscaler', {
    spec: obj({
      scaleTargetRef: obj({ apiVersion: text, kind: text, name: text }),
      minReplicas: whole,
      maxReplicas: whole,
      metrics: Type.Array(
        obj({
          type: text,
          pods: opt(obj({ metric: obj({ name: text }), target: obj({ type: Type.Literal('AverageValue'), averageValue: text }) })),
          resource: opt(obj({ name: text, target: obj({ type: Type.Literal('Utilization'), averageUtilization: whole }) })),
        }),
      ),
    }),
  }),
  PodDisruptionBudget: kind('policy/v1', 'PodDisruptionBudget', { spec: obj({ minAvailable: whole, selector }) }),
  CronJob: kind('batch/v1', 'CronJob', {
    spec: obj({
      schedule: text,
      concurrencyPolicy: Type.Literal('Forbid'),
      jobTemplate: obj({ spec: obj({ backoffLimit: whole, template: obj({ spec: pod }) }) }),
    }),
  }),
};

interface Container {
  readonly env?: readonly { name: string; value?: string; valueFrom?: { secretKeyRef: { name: string; key: string } } }[];
  readonly envFrom?: readonly { configMapRef: { name: string } }[];
  readonly ports?: readonly { name: string }[];
  readonly startupProbe?: { httpGet: { path: string; port: string } };
  readonly readinessProbe?: { httpGet: { path: string; port: string } };
  readonly livenessProbe?: { httpGet: { path: string; port: string } };
  readonly volumeMounts?: readonly { name: string }[];
}
interface Pod {
  readonly containers: readonly Container[];
  readonly volumes?: readonly { name: string }[];
}
interface Doc {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Record<string, string>;
  readonly stringData?: Record<string, string>;
  readonly spec: {
    readonly selector?: Record<string, string> & { readonly matchLabels?: Record<string, string> };
    readonly template?: { readonly metadata: { readonly labels: Record<string, string> }; readonly spec: Pod };
    readonly volumeClaimTemplates?: readonly { metadata: { name: string } }[];
    readonly jobTemplate?: { readonly spec: { readonly template: { readonly spec: Pod } } };
    readonly scaleTargetRef?: { kind: string; name: string };
    readonly schedule?: string;
    readonly serviceName?: string;
  };
}

const docs: readonly Doc[] = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.yaml'))
  .flatMap((file) => parseAllDocuments(readFileSync(join(FOLDER, file), 'utf8')).map((document) => document.toJS() as Doc));
const named = (kindName: string, name: string): Doc | undefined => docs.find((doc) => doc.kind === kindName && doc.metadata.name === name);
const podOf = ({ spec }: Doc): Pod | null => spec?.template?.spec ?? spec?.jobTemplate?.spec.template.spec ?? null;
const settings = new Set<string>(Object.values(SETTINGS).map((row) => row.env));

describe('deploy/kubernetes', () => {
  it('has a writer, nodes that grow with their lists, and jobs, each with the fields of its kind and no other', () => {
    const kinds = docs.map((doc) => doc.kind);
    expect(kinds).toEqual(expect.arrayContaining(['StatefulSet', 'Deployment', 'HorizontalPodAutoscaler', 'CronJob']));
    for (const doc of docs) {
      expect(KINDS, doc.kind).toHaveProperty(doc.kind);
      expect(Errors(KINDS[doc.kind], doc), `${doc.kind} ${doc.metadata.name}`).toEqual([]);
    }
  });

  it('a misspelt field is found', () => {
    const changed = JSON.parse(JSON.stringify(named('Deployment', 'pins-nodes')).replace('readinessProbe', 'readynessProbe')) as Doc;
    expect(Errors(KINDS.Deployment, changed)).not.toEqual([]);
  });

  it('what is named is there: settings, secrets, volumes, ports, targets, jobs', () => {
    for (const doc of docs) {
      const { spec } = doc;
      for (const container of podOf(doc)?.containers ?? []) {
        for (const { configMapRef } of container.envFrom ?? [])
          for (const name of Object.keys(named('ConfigMap', configMapRef.name)?.data ?? { missing: '' })) expect(settings).toContain(name);
        for (const { name, value, valueFrom } of container.env ?? []) {
          if (/^(RELATED_PINS|AWS)_/.test(name)) expect(settings).toContain(name);
          if (name === 'JOB') expect(SCHEDULABLE_JOBS).toContain(value);
          if (valueFrom) expect(named('Secret', valueFrom.secretKeyRef.name)?.stringData).toHaveProperty([valueFrom.secretKeyRef.key]);
        }
        const ports = (container.ports ?? []).map(({ name }) => name);
        for (const probed of [container.startupProbe, container.readinessProbe, container.livenessProbe]) {
          if (!probed) continue;
          expect(ports).toContain(probed.httpGet.port);
          expect(['/health/ready', '/health/live']).toContain(probed.httpGet.path);
        }
        const volumes = [...(podOf(doc)?.volumes ?? []), ...(spec.volumeClaimTemplates ?? []).map(({ metadata }) => metadata)];
        for (const { name } of container.volumeMounts ?? []) expect(volumes.map((each) => each.name)).toContain(name);
      }
      if (spec?.template && spec.selector?.matchLabels) expect(spec.template.metadata.labels).toEqual(spec.selector.matchLabels);
      if (spec?.scaleTargetRef) expect(named(spec.scaleTargetRef.kind, spec.scaleTargetRef.name)).toBeDefined();
      if (spec?.serviceName) expect(named('Service', spec.serviceName)).toBeDefined();
      if (spec?.schedule) expect(new Cron(spec.schedule).nextRun()).not.toBeNull();
      if (doc.kind === 'Service')
        expect(docs.some((other) => JSON.stringify(other.spec?.template?.metadata.labels) === JSON.stringify(spec.selector))).toBe(true);
    }
  });

  it('nodes read from the bucket to which the writer publishes, each with a key of its own, and hand in to its service', () => {
    const containerOf = (kindName: string, name: string): Container => podOf(named(kindName, name) as Doc)?.containers[0] as Container;
    const envOf = ({ env: rows = [], envFrom = [] }: Container): Record<string, string> =>
      Object.fromEntries([
        ...envFrom.flatMap(({ configMapRef }) => Object.entries(named('ConfigMap', configMapRef.name)?.data ?? {})),
        ...rows.map(({ name, value, valueFrom }) => [
          name,
          value ?? named('Secret', 'pins')?.stringData?.[valueFrom?.secretKeyRef.key ?? ''],
        ]),
      ]) as Record<string, string>;
    const [node, writer] = [envOf(containerOf('Deployment', 'pins-nodes')), envOf(containerOf('StatefulSet', 'pins-writer'))];
    expect(node.RELATED_PINS_FOLLOW).toBe(writer.RELATED_PINS_PUBLISH);
    expect(node.RELATED_PINS_FOLLOW).toMatch(/^s3:/);
    // As the program reads them.
    for (const env of [node, writer])
      expect(openStore(node.RELATED_PINS_FOLLOW, { config: readConfig(env), dataFolder: '/data' }).place).toBe(node.RELATED_PINS_FOLLOW);
    expect(node.AWS_ACCESS_KEY_ID).not.toBe(writer.AWS_ACCESS_KEY_ID);
    const { hostname, port } = new URL(node.RELATED_PINS_WRITER);
    const service = named('Service', hostname)?.spec as unknown as { ports: readonly { port: number }[] };
    expect(service.ports.map((each) => String(each.port))).toContain(port);
  });
});

describe('deploy/compose.nodes.yaml', () => {
  const { services, volumes } = parse(readFileSync(join(DEPLOY, 'compose.nodes.yaml'), 'utf8'), { merge: true }) as {
    services: Record<string, { environment?: Record<string, string>; volumes?: readonly string[]; ports?: readonly string[] }>;
    volumes: Record<string, unknown>;
  };

  it('starts a writer, two nodes and a Redis, with settings there are, on loopback', () => {
    expect(Object.keys(services).sort()).toEqual(['node-1', 'node-2', 'redis', 'writer']);
    for (const { environment = {}, ports = [], volumes: mounted = [] } of Object.values(services)) {
      for (const name of Object.keys(environment)) expect(settings).toContain(name);
      for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
      for (const [name] of mounted.map((mount) => mount.split(':'))) if (!name.startsWith('.')) expect(volumes).toHaveProperty([name]);
    }
    const { writer, 'node-1': node } = services;
    expect(node.environment?.RELATED_PINS_FOLLOW).toBe(writer.environment?.RELATED_PINS_PUBLISH);
    expect(node.volumes).toContain('published:/published:ro');
  });
});
