/** The page of a demo, up while detection, visitors and training go on; and the open catalogue that those use. */
import { type Address, startServing, stopped } from '../../../src/jobs/operation/serve.ts';
import type { JobInput } from '../../../src/jobs/job.ts';
import type { Server } from '../../../src/server.ts';
import { type Context, openContext } from '../../../src/service/context.ts';

export class DemoPage {
  private readonly input: JobInput<Address>;
  private readonly serves: boolean;
  private server: Server | null = null;

  /** Nothing is served with `serves` false. */
  constructor(input: JobInput<Address>, serves: boolean) {
    this.input = input;
    this.serves = serves;
  }

  /** Null while nothing is served. */
  get address(): string | null {
    return this.server?.address ?? null;
  }

  /** `goesOn`: whether steps follow, which is said. */
  async open(goesOn: boolean): Promise<void> {
    if (!this.serves) return;
    this.server = await startServing(this.input);
    if (goesOn)
      this.input.progress.note(`The page is up at ${this.address}/ . Objects, visitors and training follow, and the page takes them up.`);
  }

  /** Runs `work` on the page's catalogue, or on one that is opened for it alone. */
  async withContext<T>(work: (context: Context) => Promise<T>): Promise<T> {
    if (this.server !== null) return work(this.server.context);
    const context = await openContext(this.input.config, this.input.dataFolder, { lock: true });
    try {
      return await work(context);
    } finally {
      await context.close();
    }
  }

  /** Ends when the demo is stopped by hand. */
  stopped(): Promise<void> {
    return stopped(this.input.signal);
  }

  async close(): Promise<void> {
    await this.server?.close();
    this.server = null;
  }
}
