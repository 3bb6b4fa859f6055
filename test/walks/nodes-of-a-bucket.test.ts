import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ListReplyBody } from '../../src/api/routes/list-reply.ts';
import { readConfig } from '../../src/config.ts';
import { openCatalog } from '../../src/catalog/pins/catalog-store.ts';
import { job as publishArtifacts } from '../../src/jobs/operation/publish-artifacts.ts';
import { type ServingNode, startNode } from '../../src/nodes/serving-node.ts';
import { freePort } from '../../torture/redis-server.ts';
import { BUCKET, HAS_S3, NO_S3, startS3, type TestS3 } from '../../torture/s3-server.ts';
import { runJob } from '../run-job.ts';
import { temporaryFolder, testConfig, worldFolder } from '../world.ts';

describe.skipIf(!HAS_S3)(`a node that follows a bucket${NO_S3}`, () => {
  const place = `s3://${BUCKET}/published`;
  const nodeFolder = temporaryFolder();
  let s3: TestS3;
  let data: string;
  let node: ServingNode;
  const access = () => {
    const { awsKeyId, awsSecret, s3Endpoint } = readConfig(s3.environment);
    return { awsKeyId, awsSecret, s3Endpoint };
  };
  const publish = async (): Promise<string> => {
    const { version } = (await runJob(publishArtifacts, data, { to: place }, access())) as { version: string };
    return version;
  };
  const start = async (): Promise<ServingNode> => {
    const more = { ...access(), port: await freePort(), follow: place, writer: `http://127.0.0.1:${await freePort()}` };
    return startNode(testConfig(nodeFolder, more), nodeFolder);
  };
  const ask = async (path: string): Promise<unknown> =>
    (await fetch(`${node.address}${path}`, { headers: { connection: 'close' } })).json();
  const serves = async (): Promise<string> => ((await ask('/health/ready')) as { version: string }).version;
  const isServed = async (version: string): Promise<void> => {
    for (let tries = 0; tries < 600 && (await serves().catch(() => '')) !== version; tries++)
      await new Promise((next) => setTimeout(next, 50));
    expect(await serves()).toBe(version);
  };
  const removePin = (pinId: string): void => {
    const catalog = openCatalog(data);
    catalog.removals.removePins([catalog.pins.indexOf(pinId)], Date.now());
    catalog.close();
  };

  beforeAll(async () => {
    s3 = await startS3();
    data = await worldFolder();
  }, 120_000);
  afterAll(async () => {
    await node?.close();
    await s3?.remove();
  }, 60_000);

  it('serves what was published there, takes newer versions up, and goes on while the store is away, also after a restart', async () => {
    const first = await publish();
    node = await start();
    expect(await serves()).toBe(first);
    removePin('plant-5');
    const second = await publish();
    expect(second).not.toBe(first);
    await isServed(second);
    await s3.stop();
    const list = (await ask('/v1/pins/plant-1/related?limit=2')) as ListReplyBody;
    expect(list.items).toHaveLength(2);
    await node.close();
    node = await start();
    expect(await serves()).toBe(second);
    await expect(publish()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await s3.start();
    removePin('plant-6');
    await isServed(await publish());
  }, 180_000);
});
