/**
 * Pictures behind web addresses, for requests. Their servers may be slow, so they are fetched before a request waits for its
 * turn among image work, at a least pace, and in places of their own: addresses that callers give, and those of pins.
 */
import { LRUCache } from 'lru-cache';
import { fetchImage, imageFetching } from '../catalog/pins/image-fetch.ts';
import { isWebAddress } from '../catalog/pins/image-reference.ts';
import type { Config } from '../config.ts';
import { Places } from './places.ts';

/** Requests with an address of their own under way, in all and of one caller. */
const GIVEN_MAX = 8;
const GIVEN_OF_ONE = 2;
/** Pictures of pins fetched at the same time, in all and from one host. */
const PINS_MAX = 32;
const PINS_OF_HOST = 8;
/** Requests that wait for such a fetch to begin, and how long they do. */
const WAITING_MAX = 256;
const WAIT_MS = 5000;
const LEAST_BYTES_PER_SECOND = 64 * 1024;
/** Pictures of pins that were fetched a moment ago. */
const KEPT_BYTES = 64 * 2 ** 20;

export class WebImages {
  /** Of requests with an address of their own: each holds its place to its end, so that few pictures lie in memory. */
  readonly given = new Places(GIVEN_MAX, GIVEN_OF_ONE);
  private readonly config: Config;
  private readonly dataFolder: string;
  private readonly ofPins = new Places(PINS_MAX, PINS_OF_HOST);
  private readonly fetching = new Map<string, Promise<Uint8Array>>();
  private readonly kept = new LRUCache<string, Uint8Array>({ maxSize: KEPT_BYTES, sizeCalculation: (bytes) => bytes.length + 1 });

  constructor(config: Config, dataFolder: string) {
    this.config = config;
    this.dataFolder = dataFolder;
  }

  /** The picture at a reference. Throws what fetchImage throws. */
  fetch(reference: string): Promise<Uint8Array> {
    const options = imageFetching(this.config, this.dataFolder);
    return fetchImage(reference, { ...options, attempts: 1, leastBytesPerSecond: LEAST_BYTES_PER_SECOND });
  }

  /** A pin's picture; requests that want the same one share a fetch. Throws SERVER_OVERLOADED and what fetchImage throws. */
  ofPin(reference: string): Promise<Uint8Array> {
    if (!isWebAddress(reference)) return this.fetch(reference);
    const kept = this.kept.get(reference);
    if (kept) return Promise.resolve(kept);
    const fetching = this.fetching.get(reference) ?? this.inItsPlace(reference).finally(() => this.fetching.delete(reference));
    this.fetching.set(reference, fetching);
    return fetching;
  }

  private async inItsPlace(reference: string): Promise<Uint8Array> {
    const { host } = new URL(reference);
    await this.ofPins.wait(host, WAIT_MS, WAITING_MAX);
    try {
      const bytes = await this.fetch(reference);
      this.kept.set(reference, bytes);
      return bytes;
    } finally {
      this.ofPins.giveBack(host);
    }
  }
}
