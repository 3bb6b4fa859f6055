/** What doctor looks at, one check each: a finding, and the way out when it is not well. Nothing is changed. */
import { accessSync, constants, existsSync, readdirSync, readFileSync, statfsSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { counted } from '../../counted.ts';
import { readKeys } from '../../access-keys.ts';
import { lastCounted } from '../../candidates/cooccurrence/cooccurrence-store.ts';
import { redisCache } from '../../cache.ts';
import {
  graphProblem,
  isOfNet,
  vectorFolder,
  type VectorMetadata,
  vectorNames,
  VECTORS_KIND,
} from '../../candidates/vectors/vector-set.ts';
import { ArtifactFile } from '../../catalog/artifacts/artifact-file.ts';
import { type CatalogStore, openCatalog } from '../../catalog/pins/catalog-store.ts';
import { secretsOf } from '../../catalog/pins/user-pseudonym.ts';
import { lockDataFolder } from '../../catalog/artifacts/data-folder-lock.ts';
import { openDatabase } from '../../catalog/database.ts';
import { movesConnections, SHARES_PORTS } from '../../api/shell/listen.ts';
import type { Config } from '../../config.ts';
import { reasonOf, ServiceError } from '../../errors.ts';
import { NODE_FLOOR, NODE_LINE, suits } from '../../node-launcher.mjs';
import { OwnMetricsFile } from '../../experiments/own-metrics.ts';
import { ModelRegistry } from '../../ranker/registry/model-registry.ts';
import { readDetector } from '../../detection/detector.ts';
import { activeNet, detectorFolders } from '../../vision/net-folder.ts';
import { type Net, readNet } from '../../vision/net-manifest.ts';
import { settingText } from '../candidates/choose-counting.ts';
import { staleParts } from '../../service/stale-parts.ts';
import { eyesLine, isFormerNet } from '../../service/eyes.ts';

type Health = 'ok' | 'warn' | 'bad';

export interface Finding {
  readonly check: string;
  readonly health: Health;
  readonly says: string;
  /** What to do about it; empty when all is well. */
  readonly wayOut: string;
}

interface Patient {
  readonly dataFolder: string;
  readonly config: Config;
}

type Check = (patient: Patient) => Promise<Finding[]> | Finding[];

const DISK_BAD_BYTES = 256 * 2 ** 20;
const DISK_WARN_BYTES = 2 * 2 ** 30;
/** How long Redis may take to answer. */
const REDIS_MS = 2000;

const ok = (check: string, says: string): Finding => ({ check, health: 'ok', says, wayOut: '' });
const warn = (check: string, says: string, wayOut: string): Finding => ({ check, health: 'warn', says, wayOut });
const bad = (check: string, says: string, wayOut: string): Finding => ({ check, health: 'bad', says, wayOut });

const node: Check = () => {
  const says = `${process.version} on ${process.platform} ${process.arch}`;
  if (suits(process.version)) return [ok('node', `${says}, ${process.execPath}`)];
  return [bad('node', says, `Install Node ${NODE_FLOOR} or newer, or run \`npm run build\`, which fetches Node ${NODE_LINE} into .node.`)];
};

/** How lists are answered: by this process alone, or by threads that share the port. */
const threads: Check = ({ config: { workers, follow } }) => {
  const cores = availableParallelism();
  const can = SHARES_PORTS
    ? `serve --workers N has N threads with a listener each on the port (reusePort), ${cores} cores are here`
    : `threads cannot share a port on ${process.platform}: one answers`;
  if (workers === 1 && !follow) return [ok('threads', `one thread answers and writes; ${can}`)];
  if (SHARES_PORTS) {
    const says = `${workers} threads answer, each with a listener on the port (reusePort); one writes; ${cores} cores`;
    if (movesConnections()) return [ok('threads', says)];
    const reset = 'now and then a connection that comes while a thread makes room for another is reset';
    return [warn('threads', `${says}; ${reset}`, 'Set net.ipv4.tcp_migrate_req to 1 (sysctl, Linux 5.14), or let the balancer ask again.')];
  }
  return [bad('threads', can, 'Set RELATED_PINS_WORKERS to 1, or serve on Linux.')];
};

const nativePackages: Check = async () => {
  const load = async (check: string, needed: boolean, work: () => Promise<unknown>): Promise<Finding> => {
    try {
      return ok(check, `loads${await work()}`);
    } catch (error) {
      const wayOut = 'Run `npm ci` for this machine and this Node (prebuilt files of another one do not load).';
      return (needed ? bad : warn)(check, reasonOf(error).split('\n')[0], wayOut);
    }
  };
  return [
    await load('better-sqlite3', true, async () => {
      openDatabase(':memory:').close();
      return '';
    }),
    await load('sharp', true, async () => {
      const { drawSvg } = await import('../../vision/image-tensor.ts');
      await drawSvg('<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>', 'png');
      return ' and draws';
    }),
    await load('onnxruntime-node', true, async () => {
      await import('../../vision/onnx-session.ts');
      return '';
    }),
  ];
};

const cuda: Check = async ({ config }) => {
  let available: boolean;
  try {
    available = (await import('../../vision/onnx-session.ts')).cudaAvailable();
  } catch {
    return [];
  }
  if (available) return [ok('cuda', 'onnxruntime has its CUDA provider')];
  const wayOut =
    'For a GPU: `ONNXRUNTIME_NODE_INSTALL=cuda12 node node_modules/onnxruntime-node/script/install.js` (fetches the CUDA provider; needs CUDA 12 and cuDNN 9).';
  if (config.executionProvider === 'cuda') return [bad('cuda', 'EXECUTION_PROVIDER is cuda, onnxruntime has no CUDA provider', wayOut)];
  return [ok('cuda', `no CUDA provider: nets run on the CPU. ${wayOut}`)];
};

const dataFolder: Check = ({ dataFolder }) => {
  if (!existsSync(dataFolder)) return [warn('data folder', `${dataFolder} does not exist yet`, 'import-catalog makes it.')];
  try {
    accessSync(dataFolder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch {
    return [bad('data folder', `${dataFolder} can not be written`, `Give it to the user that serves: chown -R USER ${dataFolder}`)];
  }
  const others = (statSync(dataFolder).mode & 0o077) !== 0;
  const open = `${dataFolder} can be read by other users of this machine`;
  return [
    others
      ? warn('data folder', open, `chmod -R go= ${dataFolder}`)
      : ok('data folder', `${dataFolder} can be written, by this user alone`),
    freeSpace(dataFolder),
    lockOf(dataFolder),
  ];
};

function freeSpace(folder: string): Finding {
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  const says = `${(free / 2 ** 30).toFixed(1)} GiB free`;
  const wayOut = 'Free space, or move the data folder to a larger disk: a full one refuses writes with DATA_DISK_FULL.';
  if (free < DISK_BAD_BYTES) return bad('disk', says, wayOut);
  return free < DISK_WARN_BYTES ? warn('disk', says, wayOut) : ok('disk', says);
}

/** Asks for the lock only where it exists: a look makes nothing. */
function lockOf(folder: string): Finding {
  if (!existsSync(join(folder, 'serving-lock.sqlite'))) return ok('lock', 'nobody has served this folder yet');
  try {
    lockDataFolder(folder).release();
    return ok('lock', 'free');
  } catch (error) {
    if (error instanceof ServiceError && error.code === 'DATA_FOLDER_LOCKED')
      return ok('lock', `a process serves it: ${String(error.fields.pid)}`);
    return bad('lock', reasonOf(error), `Nobody holds it and it cannot be taken: give ${folder} and its files to the user that serves.`);
  }
}

const databases: Check = ({ dataFolder }) => {
  const files = existsSync(dataFolder)
    ? readdirSync(dataFolder).filter((name) => name.endsWith('.sqlite') && name !== 'serving-lock.sqlite')
    : [];
  return files.map((name) => {
    const wayOut = 'Stop the service, move the folder away, and `restore` the newest backup.';
    try {
      const database = openDatabase(join(dataFolder, name), { readonly: true });
      const [first] = database.pragma('quick_check(1)', { simple: false }) as { quick_check: string }[];
      database.close();
      return first.quick_check === 'ok' ? ok(name, 'is whole') : bad(name, first.quick_check, wayOut);
    } catch (error) {
      return bad(name, reasonOf(error), wayOut);
    }
  });
};

const artifacts: Check = ({ dataFolder }) => {
  const root = join(dataFolder, 'artifacts');
  const kinds = existsSync(root) ? readdirSync(root).filter((kind) => existsSync(join(root, kind, 'CURRENT'))) : [];
  if (kinds.length === 0) return [warn('artifacts', 'there are none yet', 'build-candidates makes the lists of pins that share boards.')];
  const { imported, ofNets } = vectorNames(root);
  const graphs = [...imported, ...ofNets].flatMap((name) => checkGraph(root, name));
  return [...kinds.map((kind) => checkArtifact(join(root, kind), kind)), ...graphs, ...countingOf(root)];
};

/** Whether vectors have a graph that this machine can use. */
function checkGraph(artifacts: string, name: string): Finding[] {
  const check = `graph of vectors ${name}`;
  const folder = vectorFolder(artifacts, name);
  try {
    const file = folder.open();
    if (file === null) return [];
    const { graph, vectors } = file.metadata as unknown as VectorMetadata;
    file.close();
    if (graph === null)
      return [
        warn(
          check,
          `there is none: all are compared, ${counted(vectors, 'vector')}`,
          `Run ${jobOfArtifact(VECTORS_KIND + name)} where hnswlib-node is installed.`,
        ),
      ];
    const problem = graphProblem(folder.folder, graph);
    return [
      problem === null
        ? ok(check, counted(vectors, 'vector'))
        : bad(check, problem, 'All vectors are compared meanwhile, which takes longer.'),
    ];
  } catch {
    // A damaged artifact has a finding of its own.
    return [];
  }
}

/** How pins that share boards were counted, and why so. */
function countingOf(artifacts: string): Finding[] {
  try {
    const last = lastCounted(artifacts);
    if (last === null) return [];
    const { options, choice } = last;
    const why = choice
      ? `chosen on ${choice.heldOut.saves} held-out saves: recall@20 ${choice.chosen.recall20.toFixed(4)}, the usual settings ${choice.usual.recall20.toFixed(4)}`
      : 'build-candidates --method auto would choose on held-out saves';
    return [ok('counting', `${settingText(options)} (${why})`)];
  } catch {
    // A damaged artifact has a finding of its own.
    return [];
  }
}

function checkArtifact(folder: string, kind: string): Finding {
  const check = `artifact ${kind}`;
  try {
    const version = currentOf(folder);
    new ArtifactFile(join(folder, `${version}.bin`), null, true).close();
    return ok(check, `version ${version} is whole`);
  } catch (error) {
    const job = jobOfArtifact(kind);
    return bad(check, reasonOf(error), `Run ${job} again; the previous version serves meanwhile.`);
  }
}

function jobOfArtifact(kind: string): string {
  if (kind.startsWith(VECTORS_KIND)) return isOfNet(kind.slice(VECTORS_KIND.length)) ? 'extract-features' : 'import-vectors';
  return kind.startsWith('features') || kind.startsWith('objects') ? 'extract-features' : 'build-candidates';
}

function currentOf(folder: string): string {
  return readFileSync(join(folder, 'CURRENT'), 'utf8').trim();
}

const models: Check = ({ dataFolder }) => {
  const registry = new ModelRegistry(join(dataFolder, 'models'));
  const findings: Finding[] = registry.list().flatMap(({ name, problem, serving }) => {
    if (!problem) return [];
    return [
      (serving ? bad : warn)(
        `model ${name}`,
        problem,
        serving ? 'roll-back-model, then train again.' : 'Delete the file, or import it again.',
      ),
    ];
  });
  const { serving } = registry.roles();
  const known = registry.has(serving);
  if (!known) findings.push(bad('models', `${serving} shall serve and is not there`, 'roll-back-model, or promote-model another.'));
  else findings.push(ok('models', `${serving} serves, ${registry.names().length} stored`));
  return findings;
};

const nets: Check = ({ dataFolder }) => {
  const visual: readonly [string, () => Net] = ['visual', () => readNet(activeNet(dataFolder, 'visual'))];
  const detectors = detectorFolders(dataFolder).map((folder): readonly [string, () => Net] => {
    return [`detector ${basename(folder)}`, () => readDetector(folder)];
  });
  return [visual, ...detectors].map(([what, read]) => {
    try {
      const { manifest, digest } = read();
      const says = `${manifest.name}, digest ${digest.slice(0, 12)} as its manifest says`;
      const former = isFormerNet(digest);
      return former ? warn(`net ${what}`, `${says}; a better one ships`, eyesLine(dataFolder)) : ok(`net ${what}`, says);
    } catch (error) {
      return bad(`net ${what}`, reasonOf(error), 'import-net it again, or delete its folder in nets of the data folder.');
    }
  });
};

/** Parts made for other nets than those that serve. */
const stale: Check = ({ dataFolder }) => {
  const parts = staleParts(dataFolder);
  if (parts.length === 0) return [ok('stale parts', 'none: all is of the nets that serve, or not made yet')];
  return parts.map(({ job, reason }) =>
    warn('stale parts', reason, job === 'fit-search' ? 'Run fit-search.' : `Run ${job}, or refresh for all.`),
  );
};

const keys: Check = ({ dataFolder, config }) => {
  try {
    const count = readKeys(dataFolder).length + config.keys.length;
    if (count > 0) return [ok('keys', `${count} known`)];
    return [ok('keys', 'none: everything is open, and the server listens on loopback only. create-key makes one.')];
  } catch (error) {
    return [bad('keys', reasonOf(error), 'Mend keys.json, or delete it and create the keys again.')];
  }
};

const userNames: Check = ({ dataFolder, config }) => {
  if (config.userKey === '') return [ok('user ids', 'stored as they come; RELATED_PINS_USER_KEY would hash them')];
  if (!existsSync(join(dataFolder, 'catalog.sqlite'))) return [ok('user ids', 'hashed')];
  let catalog: CatalogStore;
  try {
    catalog = openCatalog(dataFolder, { readonly: true, userKey: secretsOf(config) });
  } catch (error) {
    return [warn('user ids', reasonOf(error), 'Start the service once with this version, then look again.')];
  }
  try {
    const outdated = catalog.users.countOutdated();
    if (outdated === 0) return [ok('user ids', 'hashed, all of them')];
    return [
      warn(
        'user ids',
        `${counted(outdated, 'user')} stored under a name from before the present secret`,
        'Stop the service and run rename-users.',
      ),
    ];
  } finally {
    catalog.close();
  }
};

const redis: Check = async ({ config }) => {
  if (config.redisUrl === '') return [ok('redis', 'not configured: one process does it all')];
  const cache = redisCache(config.redisUrl);
  const deadline = Date.now() + REDIS_MS;
  while (!cache.state().available && Date.now() < deadline) await new Promise((again) => setTimeout(again, 20));
  const { available, reason } = cache.state();
  await cache.close();
  if (available) return [ok('redis', 'answers')];
  return [
    warn(
      'redis',
      `does not answer: ${reason}`,
      'Start it or mend RELATED_PINS_REDIS_URL; until then the service works without it, and says so.',
    ),
  ];
};

const metricsFile: Check = ({ dataFolder }) => {
  const file = new OwnMetricsFile(dataFolder);
  const problem = file.problem();
  if (problem !== null) return [bad('metrics', problem, 'Mend the named field: until then lists are logged without their labels.')];
  const { metrics, dimensions } = file.current();
  return [ok('metrics', `${counted(metrics.length, 'metric')} and ${counted(Object.keys(dimensions).length, 'dimension')} of one's own`)];
};

/** In the order in which trouble shows. */
export const CHECKS: readonly Check[] = [
  node,
  threads,
  nativePackages,
  cuda,
  dataFolder,
  databases,
  artifacts,
  models,
  nets,
  stale,
  metricsFile,
  keys,
  userNames,
  redis,
];
