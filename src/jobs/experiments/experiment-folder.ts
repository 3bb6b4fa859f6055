/** What the experiment jobs open: the experiments of a data folder, its log, and what a definition may refer to. */
import { join } from 'node:path';
import { SOURCE_NAMES, vectorSourceOf } from '../../candidates/candidate.ts';
import { NET_VECTORS, vectorNames } from '../../candidates/vectors/vector-set.ts';
import { type CatalogStore, openCatalog } from '../../catalog/pins/catalog-store.ts';
import { openLog } from '../../catalog/log/log-database.ts';
import { secretsOf, userNaming } from '../../catalog/pins/user-pseudonym.ts';
import { SURFACES } from '../../catalog/log/served-list.ts';
import { SITE_CATEGORIES, type Config } from '../../config.ts';
import type { KnownParts } from '../../experiments/experiment.ts';
import type { Experiments } from '../../experiments/experiments.ts';
import { openExperiments } from '../../experiments/experiments.ts';
import { OwnMetricsFile } from '../../experiments/own-metrics.ts';
import { describeByCatalog } from '../../experiments/query-segment.ts';
import { ModelRegistry, SHIPPED_MODELS } from '../../ranker/registry/model-registry.ts';
import { flags } from '../job.ts';

interface ExperimentFolder {
  readonly experiments: Experiments;
  readonly catalog: CatalogStore;
  /** Throws METRICS_REFUSED. */
  readonly known: KnownParts;
  close(): void;
}

export function openExperimentFolder(dataFolder: string, config: Config): ExperimentFolder {
  const { synchronous, experimentHoldout } = config;
  const catalog = openCatalog(dataFolder, { synchronous });
  const log = openLog(dataFolder, { synchronous });
  const describe = describeByCatalog(catalog);
  const experiments = openExperiments(
    dataFolder,
    { log, describe, holdout: experimentHoldout, nameUser: userNaming(secretsOf(config)) },
    { synchronous },
  );
  return {
    experiments,
    catalog,
    get known() {
      return {
        models: [...SHIPPED_MODELS, ...new ModelRegistry(join(dataFolder, 'models')).names()],
        sources: [...SOURCE_NAMES, ...vectorSources(join(dataFolder, 'artifacts'))],
        categories: SITE_CATEGORIES,
        surfaces: SURFACES,
        own: new OwnMetricsFile(dataFolder).current(),
      };
    },
    close() {
      experiments.close();
      log.close();
      catalog.close();
    },
  };
}

function vectorSources(artifacts: string): readonly string[] {
  const { imported, ofNets } = vectorNames(artifacts);
  return [...imported, ...(ofNets.length > 0 ? [NET_VECTORS] : [])].map(vectorSourceOf);
}

/** Opens, works, closes, whatever happens. */
export async function withExperiments<T>(
  dataFolder: string,
  config: Config,
  work: (folder: ExperimentFolder) => T | Promise<T>,
): Promise<T> {
  const folder = openExperimentFolder(dataFolder, config);
  try {
    return await work(folder);
  } finally {
    folder.close();
  }
}

/** Who is written into the audit trail. */
export const BY_OPTION = flags([{ flag: '--by <name>', meaning: 'who does it, for the audit trail' }])[0];

export function authorOf(by = 'command line'): { by: string; at: number } {
  return { by, at: Date.now() };
}
