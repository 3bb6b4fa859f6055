import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { seededRandom } from '../../src/math/random.ts';
import type { ArtifactStore } from '../../src/publication/artifact-store.ts';
import { objectStore } from '../../src/publication/object-store.ts';
import { openStore } from '../../src/publication/open-store.ts';
import { currentVersion } from '../../src/publication/publication.ts';
import { publish } from '../../src/publication/publish.ts';
import { pull } from '../../src/publication/pull.ts';
import { freePort } from '../../torture/redis-server.ts';
import { BUCKET, HAS_S3, NO_S3, startS3, type TestS3 } from '../../torture/s3-server.ts';
import { temporaryFolder, worldFolder } from '../world.ts';
import { type FaultyFront, faultyFront, refuse } from './faulty-front.ts';

const PATIENCE = { tries: 4, firstPauseMs: 5 };

describe.skipIf(!HAS_S3)(`a bucket${NO_S3}`, () => {
  let s3: TestS3;
  let front: FaultyFront;
  let prefix = 0;
  beforeAll(async () => {
    s3 = await startS3();
  });
  afterAll(() => s3.remove());
  beforeEach(async () => {
    front = await faultyFront(s3.url);
    prefix++;
  });
  afterEach(() => front.close());

  const store = (change: object = {}, signal?: AbortSignal): ArtifactStore => {
    const place = { place: 's3://pins', endpoint: front.url, bucket: BUCKET, prefix: `${prefix}/`, region: 'us-east-1' };
    const access = { keyId: 'S3RVER', secret: 'S3RVER', token: '' };
    return objectStore({ ...place, ...access, ...change }, { scratch: join(temporaryFolder(), 'scratch'), signal, patience: PATIENCE });
  };
  const drawn = (length: number): Buffer => {
    const random = seededRandom(length);
    return Buffer.from(Uint32Array.from({ length: Math.ceil(length / 4) }, () => random.integer(2 ** 32)).buffer).subarray(0, length);
  };

  it('what is published there comes back to the bit, is written once, and is refused when it was changed', async () => {
    const data = await worldFolder();
    const first = await publish(data, store());
    expect(await publish(data, store())).toMatchObject({ version: first.version, published: false, newBytes: 0 });
    expect(await currentVersion(store())).toBe(first.version);
    const { folder, publication } = await pull(store(), first.version, temporaryFolder());
    for (const { path, bytes } of publication.files) expect(readFileSync(join(folder, path)).length, path).toBe(bytes);
    const { blocks = [] } = publication.files.find(({ path }) => path === 'catalog.sqlite') ?? {};
    await store().write(`blocks/${blocks[0]}`, 'something else');
    await expect(pull(store(), first.version, temporaryFolder())).rejects.toMatchObject({ code: 'PUBLICATION_REFUSED' });
    // The list comes before the pointer, and blocks before the list.
    const written = front.asked.filter((asked) => asked.startsWith('PUT')).map((asked) => asked.split(`/${prefix}/`)[1].split('/')[0]);
    const firstRun = written.slice(0, written.indexOf('CURRENT') + 1);
    expect(firstRun).toEqual([...firstRun.slice(0, -2).map(() => 'blocks'), 'versions', 'CURRENT']);
  });

  it('a job that is stopped while blocks go up ends, and the next one sends what is missing', async () => {
    const data = await worldFolder();
    const stop = new AbortController();
    let taken = 0;
    front.rule = (asked, reply) => {
      if (asked.method !== 'PUT' || taken++ < 3) return false;
      stop.abort();
      reply.destroy();
      return true;
    };
    await expect(publish(data, store({}, stop.signal), { signal: stop.signal })).rejects.toMatchObject({ code: 'JOB_STOPPED' });
    expect(await currentVersion(store())).toBeNull();
    front.rule = () => false;
    const lying = await store().names('blocks/');
    expect(lying.length).toBeGreaterThan(0);
    front.asked.length = 0;
    const { version } = await publish(data, store());
    for (const name of lying) expect(front.asked).not.toContain(`PUT /${BUCKET}/${prefix}/${name}`);
    await pull(store(), version, temporaryFolder());
  });

  it('what fails for a while is asked again', async () => {
    const bytes = drawn(300_000);
    let faults = 0;
    front.rule = (asked, reply) => {
      if (faults++ % 3 === 0) return refuse(reply, 500, 'InternalError');
      if (faults % 3 === 2) return reply.destroy() === reply;
      return false;
    };
    await store().write('blocks/a', bytes);
    await store().write('CURRENT', 'x');
    expect(String(await store().read('CURRENT'))).toBe('x');
    let cut = 0;
    front.rule = (_, reply) => {
      if (cut++ >= 2) return false;
      reply.writeHead(200, { 'content-length': bytes.length });
      reply.write(bytes.subarray(0, 100_000), () => setTimeout(() => reply.destroy(), 50));
      return true;
    };
    expect((await store().read('blocks/a'))?.equals(bytes)).toBe(true);
    expect(cut).toBe(3);
    expect(await store().read('blocks/b')).toBeNull();
  });

  it('a store that fails while a version is published leaves the version before', async () => {
    const data = await worldFolder();
    const { version } = await publish(data, store());
    rmSync(join(data, 'writer-id'));
    writeFileSync(join(data, 'keys.json'), '[]');
    front.rule = (asked, reply) => (asked.method === 'PUT' && asked.url?.endsWith('CURRENT') ? refuse(reply, 503, 'SlowDown') : false);
    await expect(publish(data, store(), { takeOver: true })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    front.rule = () => false;
    expect(await currentVersion(store())).toBe(version);
    await pull(store(), version, temporaryFolder());
    expect((await publish(data, store(), { takeOver: true })).version).not.toBe(version);
  });

  it('refusals have codes: credentials, bucket, clock, region, a store that is away', async () => {
    await expect(store({ keyId: 'NOBODY' }).read('CURRENT')).rejects.toMatchObject({ code: 'STORE_CREDENTIALS' });
    await expect(store({ bucket: 'no-such-bucket' }).read('CURRENT')).rejects.toMatchObject({ code: 'STORE_BUCKET_UNKNOWN' });
    await expect(store({ bucket: 'no-such-bucket' }).write('CURRENT', '')).rejects.toMatchObject({ code: 'STORE_BUCKET_UNKNOWN' });
    const answers = async (status: number, code: string, more?: string): Promise<unknown> => {
      front.rule = (_, reply) => refuse(reply, status, code, more);
      return store()
        .read('CURRENT')
        .catch((error: unknown) => error);
    };
    expect(await answers(403, 'RequestTimeTooSkewed')).toMatchObject({ code: 'STORE_CLOCK' });
    expect(await answers(403, 'SignatureDoesNotMatch')).toMatchObject({ code: 'STORE_CREDENTIALS' });
    const region = await answers(400, 'AuthorizationHeaderMalformed', '<Region>eu-west-1</Region>');
    expect(region).toMatchObject({ code: 'STORE_REFUSED', message: expect.stringMatching(/in its <words>.*set AWS_REGION/) as string });
    expect(await answers(404, 'NotFound')).toMatchObject({ code: 'STORE_REFUSED' });
    expect(front.asked.length).toBe(7);
    expect(await answers(503, 'SlowDown')).toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(front.asked.length).toBe(7 + PATIENCE.tries);
    const nobody = store({ endpoint: `http://127.0.0.1:${await freePort()}` });
    await expect(nobody.read('CURRENT')).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining('ECONNREFUSED') as string,
    });
  });

  it('finds more names than one answer holds', async () => {
    const names = Array.from({ length: 5 }, (_, n) => `blocks/${n}`);
    for (const name of names) await store().write(name, '');
    // s3rver can't give a list in pages here, since OpenSSL 3 has no DES for its tokens: the front cuts its list in two.
    const url = (asked: IncomingMessage): URL => new URL(asked.url ?? '', s3.url);
    front.rule = (asked, reply) => {
      const token = url(asked).searchParams.get('continuation-token');
      const whole = url(asked);
      whole.searchParams.delete('continuation-token');
      void fetchOnward(Object.assign(asked, { url: `${whole.pathname}${whole.search}` }), s3.url).then(async (answer) => {
        const text = await answer.text();
        const objects = text.match(/<Contents>.*?<\/Contents>/gs) ?? [];
        const next = '<NextContinuationToken>1/&amp;+=</NextContinuationToken>';
        expect([null, '1/&+=']).toContain(token);
        reply.end(token === null ? `${objects.slice(0, 3).join('')}${next}` : objects.slice(3).join(''));
      });
      return true;
    };
    expect([...(await store().names('blocks/'))].sort()).toEqual(names);
  });
});

/** Passes a request on to the real store, which carries it out; what the client is told of it is another matter. */
async function fetchOnward(asked: IncomingMessage, target: string): Promise<Response> {
  const headers = Object.fromEntries(
    Object.entries(asked.headers).filter(([name]) => !/^(host|connection|content-length|transfer-encoding)$/.test(name)),
  ) as Record<string, string>;
  const body = asked.method === 'GET' ? undefined : new Uint8Array(await buffer(asked));
  return fetch(`${target}${asked.url}`, { method: asked.method, headers, body });
}

describe('the address of a bucket', () => {
  const open = (place: string, env: Record<string, string> = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' }): (() => unknown) => {
    return () => openStore(place, { config: readConfig(env), dataFolder: temporaryFolder() });
  };

  it('is taken with or without a prefix; others are refused by name', () => {
    for (const place of ['s3://pins', 's3://pins/', 's3://my.bucket-1/a/b/']) expect(open(place)).not.toThrow();
    for (const place of ['s3://', 's3://x', 's3:/pins', 's3://pins/../other', 's3://pins/a?b', 'gs://pins'])
      expect(open(place), place).toThrow(expect.objectContaining({ code: 'PUBLICATION_REFUSED' }) as Error);
  });

  it('needs credentials, and an address of the store that is one', () => {
    expect(open('s3://pins', {})).toThrow(/AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY/);
    const access = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' };
    expect(open('s3://pins', { ...access, AWS_ENDPOINT_URL: 'minio' })).toThrow(/AWS_ENDPOINT_URL must be/);
    expect(open('s3://pins', { ...access, AWS_ENDPOINT_URL: 'minio', AWS_ENDPOINT_URL_S3: 'http://minio:9000' })).not.toThrow();
  });
});
