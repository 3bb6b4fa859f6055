import { openSession } from '../../src/vision/onnx-session.ts';
import type { ProbeSession } from '../../src/detection/import/import-detector.ts';

/** Opens a file for import: one session, on the calling thread. Throws NET_REFUSED when the runtime cannot read it. */
export async function openProbe(file: string): Promise<ProbeSession> {
  const session = await openSession(file, file, { provider: 'cpu', threads: 1, quiet: true });
  return { inputs: session.inputs, run: (values, dims) => session.run(values, dims), close: () => session.close() };
}
