/** Clients that fetch lists and report what people did with them, and remember exactly what was acknowledged. */
import type { Random } from '../src/math/random.ts';

export interface SentEvent {
  readonly eventId: string;
  readonly type: string;
  readonly recommendationId: string;
  readonly pinId: string;
  readonly position: number;
  readonly userId: string;
  readonly at: number;
}

interface Receipt {
  readonly written: number;
  readonly unchanged: number;
  readonly keptApart: number;
}

const TYPES = ['impression', 'closeup', 'click', 'longClick', 'save'];

/** What was sent and what was acknowledged, over all rounds. */
export class EventLedger {
  readonly sent = new Map<string, SentEvent>();
  readonly acknowledged = new Set<string>();
  /** When, in epoch milliseconds. */
  readonly acknowledgedAt = new Map<string, number>();
  /** Batches acknowledged before, to be repeated. */
  readonly batches: (readonly SentEvent[])[] = [];
  doubled = 0;
  readonly problems: string[] = [];
  private number = 0;

  eventsOf(
    list: { recommendationId: string; items: { pinId: string; position: number }[] },
    count: number,
    userId: string,
    random: Random,
  ): SentEvent[] {
    return Array.from({ length: count }, () => {
      const { pinId, position } = random.pick(list.items);
      const event = {
        eventId: `e-${++this.number}`,
        type: random.pick(TYPES),
        recommendationId: list.recommendationId,
        pinId,
        position,
        userId,
        at: Date.now(),
      };
      this.sent.set(event.eventId, event);
      return event;
    });
  }

  /** Sends events made elsewhere and takes down what was acknowledged. */
  async send(url: string, events: readonly SentEvent[]): Promise<void> {
    for (const event of events) this.sent.set(event.eventId, event);
    this.acknowledge(events, await postEvents(url, events));
  }

  /** Sends a batch that was acknowledged before: nothing of it may be written. */
  async repeat(url: string, batch: readonly SentEvent[]): Promise<void> {
    const receipt = await postEvents(url, batch);
    const { written, keptApart, unchanged } = receipt;
    this.doubled += written + keptApart;
    if (unchanged !== batch.length) this.problems.push(`a repeated batch of ${batch.length} gave ${JSON.stringify(receipt)}`);
  }

  acknowledge(batch: readonly SentEvent[], receipt: Receipt): void {
    const { written, keptApart, unchanged } = receipt;
    if (written + keptApart + unchanged !== batch.length) this.problems.push(`a batch of ${batch.length} gave ${JSON.stringify(receipt)}`);
    for (const { eventId } of batch) {
      this.acknowledged.add(eventId);
      if (!this.acknowledgedAt.has(eventId)) this.acknowledgedAt.set(eventId, Date.now());
    }
    if (this.batches.length < 50) this.batches.push(batch);
    else this.batches[this.number % 50] = batch;
  }
}

async function pause(ms: number): Promise<void> {
  if (ms > 0) await new Promise((over) => setTimeout(over, ms));
}

export async function postEvents(url: string, events: readonly SentEvent[]): Promise<Receipt> {
  const reply = await fetch(`${url}/v1/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ events }),
  });
  if (reply.status !== 200) throw new Error(`events: ${reply.status} ${await reply.text()}`);
  return (await reply.json()) as Receipt;
}

/**
 * One client until the service dies: a list, then batches and single events about it, now and then a repetition; with a
 * pause between two lists, or as fast as it is answered.
 */
export async function reportUntilKilled(
  url: string,
  pins: number,
  ledger: EventLedger,
  random: Random,
  killed: () => boolean,
  pauseMs = 0,
): Promise<void> {
  for (; !killed(); await pause(pauseMs)) {
    try {
      const userId = `u${random.integer(53)}`;
      const reply = await fetch(`${url}/v1/pins/p${random.integer(pins)}/related?limit=20&userId=${userId}`);
      if (reply.status !== 200) throw new Error(`related: ${reply.status}`);
      const list = (await reply.json()) as Parameters<EventLedger['eventsOf']>[0];
      if (list.items.length === 0) continue;
      const batch = ledger.eventsOf(list, random.integer(3) === 0 ? 1 : 1 + random.integer(40), userId, random);
      ledger.acknowledge(batch, await postEvents(url, batch));
      if (random.integer(5) === 0 && ledger.batches.length > 0) await ledger.repeat(url, random.pick(ledger.batches));
    } catch (error) {
      if (killed()) return;
      ledger.problems.push(`before the kill: ${error instanceof Error ? `${error.message} ${String(error.cause ?? '')}` : String(error)}`);
      return;
    }
  }
}
