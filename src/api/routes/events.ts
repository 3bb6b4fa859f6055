import type { Engagement } from '../../catalog/log/engagement-log.ts';
import { ReceiptTally } from '../../catalog/pins/receipt.ts';
import { readEvent } from '../../catalog/pins/records.ts';
import { Rejection } from '../../catalog/pins/rejection.ts';
import type { Context } from '../../service/context.ts';
import { timeOfId } from '../../math/random.ts';
import type { App, Service } from './routes.ts';
import { EventReceipt, EventsBody, replies } from '../schemas.ts';

export function eventRoutes(app: App, { context, metrics }: Service): void {
  const schema = {
    summary: 'What people did with served lists; acknowledged once it is durable, repeated ids change nothing',
    tags: ['events'],
    body: EventsBody,
    response: replies(EventReceipt),
  };
  app.post('/v1/events', { schema, config: { scope: 'events', prompt: true, body: 'rows' } }, async (request) => {
    const tally = new ReceiptTally();
    const events = readEvents(request.body.events, context, tally);
    const counts = await context.log.events.append(events);
    context.hot.actions?.publish(events);
    const { read, rejected, notes } = tally.receipt();
    metrics.events.inc({ outcome: 'written' }, counts.written);
    metrics.events.inc({ outcome: 'unchanged' }, counts.unchanged);
    metrics.events.inc({ outcome: 'keptApart' }, counts.keptApart);
    metrics.events.inc({ outcome: 'rejected' }, read - events.length);
    Object.assign(request.line, { events: read, ...counts, rejected: read - events.length });
    return { read, ...counts, rejected, ...(notes ? { notes } : {}) };
  });
}

function readEvents(rows: readonly unknown[], { pins, log }: Context, tally: ReceiptTally): Engagement[] {
  const now = Date.now();
  const { prunedBefore } = log.retention;
  const events: Engagement[] = [];
  rows.forEach((row, line) => {
    tally.read++;
    const event = readEvent(row, now, tally);
    if (event instanceof Rejection) return tally.reject(event, line);
    const pinIndex = pins.indexOf(event.pinId);
    if (pinIndex < 0) return tally.reject(new Rejection('PIN_UNKNOWN', 'pinId', event.pinId), line);
    if (prunedBefore > 0 && (timeOfId(event.recommendationId) ?? prunedBefore) < prunedBefore)
      return tally.reject(new Rejection('LIST_PRUNED', 'recommendationId', event.recommendationId), line);
    const { eventId, type, recommendationId, position = null, userId = null, reason = null, value = null } = event;
    // What is hidden is hidden from now on, also by a clock that is ahead.
    const at = type === 'hide' || type === 'unhide' ? Math.min(event.at ?? now, now) : (event.at ?? now);
    events.push({ eventId, type, recommendationId, pinIndex, position, userId, at, reason, value });
  });
  return events;
}
