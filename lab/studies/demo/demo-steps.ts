/** The steps of the demo that are done, in `DATA/world/steps.json`, so that a stopped demo goes on and a finished one is instant. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ServiceError } from '../../../src/errors.ts';
import type { WorldSize } from '../../world/recipe.ts';

interface StepRecord {
  readonly size: WorldSize;
  /** Seconds per finished step. */
  readonly seconds: Record<string, number>;
  /** What the finished steps said. */
  readonly results: Record<string, unknown>;
}

export class DemoSteps {
  private readonly file: string;
  private readonly record: StepRecord;

  /** Throws JOB_USAGE if the folder holds another world, or a catalogue that is no world. */
  constructor(dataFolder: string, size: WorldSize) {
    const folder = join(dataFolder, 'world');
    this.file = join(folder, 'steps.json');
    if (!existsSync(this.file) && existsSync(join(dataFolder, 'catalog.sqlite')))
      throw new ServiceError('JOB_USAGE', { reason: `${dataFolder} holds a catalogue that is no demo world; choose another --data.` });
    mkdirSync(folder, { recursive: true });
    this.record = existsSync(this.file) ? (JSON.parse(readFileSync(this.file, 'utf8')) as StepRecord) : { size, seconds: {}, results: {} };
    if (JSON.stringify(this.record.size) !== JSON.stringify(size))
      throw new ServiceError('JOB_USAGE', {
        reason: `${dataFolder} holds another world (${JSON.stringify(this.record.size)}); choose another --data.`,
      });
    this.save();
  }

  get seconds(): Readonly<Record<string, number>> {
    return this.record.seconds;
  }

  /** Runs a step unless it is done; its result is kept, and given, as JSON: the first run says what later ones read. */
  async once<T>(name: string, run: () => Promise<T>): Promise<T> {
    if (Object.hasOwn(this.record.seconds, name)) return this.record.results[name] as T;
    const startedAt = performance.now();
    const result = JSON.parse(JSON.stringify((await run()) ?? null)) as T;
    this.record.results[name] = result;
    this.record.seconds[name] = Math.round(performance.now() - startedAt) / 1000;
    this.save();
    return result;
  }

  /** A number kept within a step. */
  mark(name: string): number {
    return Number(this.record.results[`${name} so far`] ?? 0);
  }
  setMark(name: string, value: number): void {
    this.record.results[`${name} so far`] = value;
    this.save();
  }

  private save(): void {
    writeFileSync(`${this.file}.part`, JSON.stringify(this.record));
    renameSync(`${this.file}.part`, this.file);
  }
}
