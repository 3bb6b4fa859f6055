import { join } from 'node:path';
import { PUBLISHING } from '../catalog/artifacts/data-copy.ts';
import type { Config } from '../config.ts';
import { ServiceError } from '../errors.ts';
import { type ArtifactStore, folderStore } from './artifact-store.ts';
import type { ObjectPlace } from './object-requests.ts';
import { objectStore } from './object-store.ts';
import { refusal } from './publication.ts';

/** A bucket, and characters of keys that no store has to escape. */
const BUCKET = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(\/[\w./-]*)?$/i;

type Access = Pick<Config, 's3Endpoint' | 'awsEndpoint' | 'awsRegion' | 'awsKeyId' | 'awsSecret' | 'awsToken'>;

interface OpenOptions {
  readonly config: Access;
  /** Files for a bucket are made ready below it. */
  readonly dataFolder: string;
  readonly signal?: AbortSignal;
}

/**
 * The place that an operator names: a folder, or s3://bucket/prefix.
 * @throws PUBLICATION_REFUSED for an address of another kind; CONFIG_INVALID without the credentials for a bucket.
 */
export function openStore(place: string, { config, dataFolder, signal }: OpenOptions): ArtifactStore {
  if (/^s3:/i.test(place)) return objectStore(objectPlace(place, config), { scratch: join(dataFolder, PUBLISHING), signal });
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(place))
    throw refusal(place, 'folders and s3://bucket/prefix are known here, and no address of this kind');
  return folderStore(place);
}

function objectPlace(place: string, config: Access): ObjectPlace {
  const [, bucket, path = ''] = BUCKET.exec(place) ?? [];
  const names = path.split('/').filter((name) => name !== '');
  if (bucket === undefined || names.some((name) => name === '.' || name === '..'))
    throw refusal(place, 'it must be s3://bucket or s3://bucket/prefix, the prefix of letters, digits, _ - . and /');
  const { awsKeyId: keyId, awsSecret: secret, awsToken: token, awsRegion: region } = config;
  if (keyId === '' || secret === '')
    throw new ServiceError('CONFIG_INVALID', { problems: `${place} needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY` });
  const endpoint = [config.s3Endpoint, config.awsEndpoint, `https://s3.${region}.amazonaws.com`].find((url) => url !== '') ?? '';
  if (!URL.canParse(endpoint) || !/^https?:/i.test(endpoint))
    throw new ServiceError('CONFIG_INVALID', {
      problems: `AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL must be an address such as https://s3.example, it is ${endpoint}`,
    });
  const prefix = names.map((name) => `${name}/`).join('');
  return { place, endpoint: endpoint.replace(/\/+$/, ''), bucket, prefix, region, keyId, secret, token };
}
