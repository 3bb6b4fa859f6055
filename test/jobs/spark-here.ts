/** Whether Apache Spark can be had here. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

export const SUBMIT = process.env.RELATED_PINS_SPARK_SUBMIT ?? 'spark-submit';
const SH = join(import.meta.dirname, '../../deploy/spark/submit.sh');
export const HAS_SPARK = spawnSync('sh', [SH, SUBMIT, '--version'], { stdio: 'ignore' }).status === 0;
