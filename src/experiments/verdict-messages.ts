/** Tells somebody when an experiment's verdict changes, and writes it into the history: ship, do not ship, broken. */
import { reasonOf } from '../errors.ts';
import type { Experiments } from './experiments.ts';

/** What is sent as JSON; `text` is what chat services show. */
interface VerdictMessage {
  readonly text: string;
  readonly experiment: string;
  readonly verdict: string;
  /** Null: the first one. */
  readonly before: string | null;
  readonly reason: string;
  /** ISO 8601. */
  readonly at: string;
}

const SEND_MS = 5000;
const COUNT = 'count';

/**
 * Looks at every running experiment as counted so far. A verdict that is another than the last one in the history is sent to
 * `address` ('': nowhere), then written down; what could not be sent is tried again at the next look. Returns why messages
 * were not taken, one sentence each.
 */
export async function tellVerdicts(core: Experiments, address: string, now: number): Promise<readonly string[]> {
  const failed: string[] = [];
  for (const experiment of core.store.running()) {
    const { verdict, reason } = core.reportAsCounted(experiment);
    const before = core.store.lastRemark(experiment.key, 'verdict')?.detail.split(':')[0] ?? null;
    if (verdict === before || (before === null && verdict === 'keep running')) continue;
    const { key } = experiment;
    const text = `Experiment ${key}: ${verdict}. ${reason}`;
    try {
      if (address !== '') await send(address, { text, experiment: key, verdict, before, reason, at: new Date(now).toISOString() });
      core.store.remark(key, 'verdict', `${verdict}: ${reason}`, { by: COUNT, at: now });
    } catch (error) {
      failed.push(`${key}: ${reasonOf(error)}`);
    }
  }
  return failed;
}

async function send(address: string, message: VerdictMessage): Promise<void> {
  const reply = await fetch(address, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(message),
    redirect: 'error',
    signal: AbortSignal.timeout(SEND_MS),
  });
  await reply.body?.cancel();
  if (!reply.ok) throw new Error(`the address of the webhook answered ${reply.status}`);
}
