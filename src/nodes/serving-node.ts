/**
 * A node: reading threads over what the writer published, on any number of machines. The thread that starts them answers no lists: it pulls
 * new versions and lets readers of them take over, keeps what was served until the writer has it, and passes on the rest.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { KEYS_FILE } from '../access-keys.ts';
import { closeApp } from '../api/shell/close-app.ts';
import { checkListening, Keys } from '../api/shell/keys.ts';
import { ReaderMetrics } from '../api/shell/reader-metrics.ts';
import { ReadingThreads } from '../api/shell/reading-threads.ts';
import { requestLog } from '../api/shell/request-log.ts';
import type { App } from '../api/routes/routes.ts';
import { type DataFolderLock, lockDataFolder } from '../catalog/artifacts/data-folder-lock.ts';
import { type PinNames, type SentList, sentList } from '../catalog/log/sent-list.ts';
import type { ServedList } from '../catalog/log/served-list.ts';
import { type NameUser, secretsOf, userNaming } from '../catalog/pins/user-pseudonym.ts';
import { type Config, nodeProblem } from '../config.ts';
import { reasonOf, ServiceError } from '../errors.ts';
import { type Progress, SILENT } from '../progress.ts';
import type { ArtifactStore } from '../publication/artifact-store.ts';
import { openStore } from '../publication/open-store.ts';
import { currentVersion, refusal } from '../publication/publication.ts';
import { keepOnly, pull, pulledVersion, type PulledVersion } from '../publication/pull.ts';
import { replaceFile } from '../swapped-file.ts';
import { FEATURE_COLUMNS } from '../ranker/scoring/feature-table.ts';
import { ListQueue } from './list-queue-store.ts';
import { buildNodeApp, type NodeState } from './node-app.ts';
import { RemovalFeed } from './removal-feed.ts';
import { WriterLink } from './writer-link.ts';

/** Milliseconds between looks for a newer version, and before one that was refused is tried again. */
const FOLLOW_MS = 1000;
const REFUSED_MS = 10_000;
const LOOK_MS = 100;

export interface ServingNode {
  readonly address: string;
  close(): Promise<void>;
}

/**
 * Pulls what was published last, or goes on with what this node served before, and listens.
 * @throws PUBLICATION_REFUSED when there is neither; CONFIG_INVALID; DATA_FOLDER_LOCKED.
 */
export async function startNode(config: Config, nodeFolder: string, progress: Progress = SILENT): Promise<ServingNode> {
  const problems = nodeProblem(config);
  if (problems !== null) throw new ServiceError('CONFIG_INVALID', { problems });
  const lock = lockDataFolder(nodeFolder);
  try {
    const store = openStore(config.follow, { config, dataFolder: nodeFolder });
    const node = new RunningNode({ config, folder: nodeFolder, store, lock }, await firstVersion(store, nodeFolder, progress));
    return await node.start();
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function firstVersion(store: ArtifactStore, nodeFolder: string, progress: Progress): Promise<PulledVersion> {
  const before = pulledVersion(nodeFolder);
  try {
    const version = await currentVersion(store);
    if (version === null) throw refusal(store.place, 'nothing was published there yet: run publish-artifacts');
    return version === before?.publication.version ? before : await pull(store, version, nodeFolder, progress);
  } catch (error) {
    // The place is away: what served before serves on.
    if (before === null) throw error;
    return before;
  }
}

interface NodeParts {
  readonly config: Config;
  readonly folder: string;
  readonly store: ArtifactStore;
  readonly lock: DataFolderLock;
}

class RunningNode implements NodeState {
  readonly config: Config;
  readonly keys: Keys;
  readonly queue: ListQueue;
  readonly link: WriterLink;
  readonly removals: RemovalFeed;
  readonly readers = new ReaderMetrics();
  problem: string | null = null;
  lostLists = 0;
  stopping = false;
  private readonly parts: NodeParts;
  private readonly nameUser: NameUser;
  private readonly socketFolder = mkdtempSync(join(tmpdir(), 'related-pins-'));
  private version: PulledVersion;
  private waiting: SentList[] = [];
  private app: App | null = null;
  private threads: ReadingThreads | null = null;
  private following: Promise<void> = Promise.resolve();

  constructor(parts: NodeParts, version: PulledVersion) {
    const { config, folder } = parts;
    this.parts = parts;
    this.config = config;
    this.version = version;
    takeKeys(version, folder);
    this.keys = new Keys(folder, config.keys);
    this.nameUser = userNaming(secretsOf(config));
    this.queue = new ListQueue(folder, { bytesMax: config.queuedListBytes, synchronous: config.synchronous });
    const address = { url: config.writer, key: config.writerKey };
    this.removals = new RemovalFeed({ address, nodeFolder: folder, synchronous: config.synchronous });
    this.link = new WriterLink(address, this.queue, (list) => {
      this.lose(1, { ...list }, 'the writer does not take a served list');
    });
  }

  get serving(): NodeState['serving'] {
    return this.version.publication;
  }

  async start(): Promise<ServingNode> {
    const { config } = this;
    checkListening(config.host, this.keys);
    const app = (this.app = await buildNodeApp(this, requestLog()));
    try {
      const writer = join(this.socketFolder, 'node.sock');
      await app.listen({ path: writer });
      // Callers are passed on from the first one on, where the writer is there.
      await this.link.handIn();
      await this.removals.begin(this.version, null);
      const take = (list: ServedList, names: PinNames | null): void => this.take(list, names);
      this.threads = new ReadingThreads({ config, writer, byId: true, metrics: this.readers, log: app.log, take }, this.version.folder);
      const address = await this.threads.start(config.workers);
      keepOnly(this.parts.folder, this.serving.version);
      this.link.follow();
      this.removals.follow();
      this.following = this.follow();
      return { address, close: () => this.close() };
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Lists of one message are kept together. */
  private take(list: ServedList, names: PinNames | null): void {
    if (names === null) return;
    if (this.waiting.length === 0) setImmediate(() => this.keep());
    this.waiting.push(sentList(list, names, this.nameUser));
  }

  private keep(): void {
    const lists = this.waiting;
    this.waiting = [];
    if (lists.length === 0) return;
    try {
      const without = this.queue.put(lists, FEATURE_COLUMNS);
      if (without > 0) this.lose(without, { lists: without }, 'the queue of served lists is full');
    } catch (error) {
      this.lose(lists.length, { lists: lists.length, reason: reasonOf(error) }, 'served lists were not kept');
    }
  }

  private lose(count: number, what: object, message: string): void {
    this.lostLists += count;
    this.app?.log.error(what, message);
  }

  /** Looks for newer versions until closed. */
  private async follow(): Promise<void> {
    while (!this.stopping) {
      const startedAt = performance.now();
      const went = await this.takeUp().then(
        () => null,
        (error: unknown) => reasonOf(error),
      );
      if (went !== null && went !== this.problem) this.app?.log.error({ reason: went }, 'a newer version does not serve');
      this.problem = went;
      const restMs = went === null ? FOLLOW_MS : REFUSED_MS;
      while (!this.stopping && performance.now() - startedAt < restMs) await pause(LOOK_MS);
    }
  }

  /** Lets a newer version serve, if there is one. */
  private async takeUp(): Promise<void> {
    const { store, folder } = this.parts;
    const current = await currentVersion(store);
    if (current === null || current === this.serving.version || this.stopping) return;
    const next = await pull(store, current, folder);
    const before = this.version;
    try {
      await this.removals.begin(next, before);
      await this.threads?.moveTo(next.folder);
      this.version = next;
    } finally {
      await this.removals.end(this.version === next ? before : next);
    }
    takeKeys(next, folder);
    keepOnly(folder, current);
    this.app?.log.info({ version: current, fetchedBytes: next.fetchedBytes }, 'a newer version serves');
  }

  private async close(): Promise<void> {
    this.stopping = true;
    await this.following;
    await this.removals.close();
    await this.threads?.close();
    if (this.app) await closeApp(this.app, this);
    this.keep();
    await this.link.close();
    this.queue.close();
    rmSync(this.socketFolder, { recursive: true, force: true });
    this.parts.lock.release();
  }
}

/** The keys of the version that serves are those of this process, too. */
function takeKeys({ folder }: PulledVersion, nodeFolder: string): void {
  const published = join(folder, KEYS_FILE);
  if (existsSync(published)) replaceFile(join(nodeFolder, KEYS_FILE), readFileSync(published), 0o600);
}
