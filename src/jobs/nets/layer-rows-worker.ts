/** Layers of evaluate-features.ts in a worker thread, one after the other. */
import { parentPort } from 'node:worker_threads';
import { layerRows, type LayerTask } from './layer-rows.ts';

parentPort?.on('message', (task: LayerTask) => parentPort?.postMessage(layerRows(task)));
