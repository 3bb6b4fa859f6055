import { EventEmitter } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { Admission } from '../../src/api/shell/admission.ts';
import { RateLimit } from '../../src/api/shell/rate-limit.ts';

const LIMITS = {
  read: { waitMs: 20, inFlight: 1000 },
  write: { waitMs: 1000, inFlight: 1000 },
  heavy: { waitMs: 20, inFlight: 2 },
  bodies: { write: 100, read: 100, heavy: 100, other: 100 },
  bodyMs: 30_000,
};

/** A body of which so many bytes have come. */
const senderOf = (bytesRead: number, complete = false) => {
  const sender = { complete, socket: { bytesRead }, gone: false, destroy: () => (sender.gone = true) };
  return sender;
};

const turns = (count: number): Promise<void> =>
  new Promise((done) => (count === 0 ? done() : setImmediate(() => turns(count - 1).then(done))));

function busyFor(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

describe('admission', () => {
  it('lets the first in at once and the others in the order in which they came', async () => {
    const admission = new Admission(LIMITS);
    const order: number[] = [];
    for (let i = 0; i < 5; i++) admission.enter('read', new EventEmitter(), () => order.push(i));
    expect(order).toEqual([0]);
    await turns(10);
    expect(order).toEqual([0, 1, 2, 3, 4]);
  });

  it('refuses reads that waited too long in a queue, and keeps writes', async () => {
    const admission = new Admission(LIMITS);
    const refused = { read: 0, write: 0 };
    for (const lane of ['read', 'write'] as const) {
      for (let i = 0; i < 100; i++) {
        admission.enter(lane, new EventEmitter(), (refusal) => {
          if (refusal) refused[lane]++;
          else if (lane === 'read') busyFor(5);
        });
      }
    }
    await turns(300);
    expect(refused.read).toBeGreaterThan(50);
    expect(refused.write).toBe(0);
    expect(admission.refused.read).toBe(refused.read);
  });

  it('gives a full lane its place back when a reply is gone, and refuses who waited too long for one', async () => {
    const admission = new Admission(LIMITS);
    const replies = [new EventEmitter(), new EventEmitter(), new EventEmitter(), new EventEmitter()];
    const said: string[] = [];
    replies.forEach((reply, i) => admission.enter('heavy', reply, (refusal) => said.push(`${i} ${refusal ? refusal.code : 'in'}`)));
    await turns(5);
    expect(said).toEqual(['0 in', '1 in']);
    replies[0].emit('close');
    await expect.poll(() => said).toEqual(['0 in', '1 in', '2 in', '3 SERVER_OVERLOADED']);
    expect(admission.inFlight.heavy).toBe(2);
  });

  // Each caller who hung up while waiting kept a place for ever: after 256 of them every read was refused until a restart.
  it('lets nobody in who hung up while waiting, and loses no place to them', async () => {
    const admission = new Admission(LIMITS);
    const replies = Array.from({ length: 50 }, () => new EventEmitter());
    const admitted: number[] = [];
    replies.forEach((reply, i) => admission.enter('read', reply, () => admitted.push(i)));
    for (const reply of replies.slice(1, 49)) reply.emit('close');
    await turns(100);
    expect(admitted).toEqual([0, 49]);
    expect([admission.inFlight.read, admission.waiting('read'), admission.refused.read]).toEqual([2, 0, 0]);
    replies[0].emit('close');
    replies[49].emit('close');
    expect(admission.inFlight.read).toBe(0);
    admission.enter('read', Object.assign(new EventEmitter(), { closed: true }), () => admitted.push(50));
    expect([admission.inFlight.read, admitted.length]).toEqual([0, 2]);
  });

  it('bounds the bytes of the bodies of each lane until their replies are closed', () => {
    const admission = new Admission(LIMITS);
    const reply = new EventEmitter();
    admission.takeBody('read', 80, senderOf(0), reply);
    expect(() => admission.takeBody('read', 80, senderOf(0), new EventEmitter())).toThrow(/at capacity/);
    admission.takeBody('write', 80, senderOf(0), new EventEmitter());
    reply.emit('close');
    admission.takeBody('read', 80, senderOf(0), new EventEmitter());
    expect(admission.bodyBytes).toBe(160);
  });

  it('cuts the slowest of the bodies that will not be there in time when another one needs the room', () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const admission = new Admission({ ...LIMITS, bodies: { ...LIMITS.bodies, write: 300 } });
    const [slow, slower, whole] = [senderOf(1000), senderOf(500), senderOf(0, true)];
    for (const sender of [slow, slower, whole]) admission.takeBody('write', 100, sender, new EventEmitter());
    expect(() => admission.takeBody('write', 100, senderOf(0), new EventEmitter())).toThrow(/at capacity/);
    vi.advanceTimersByTime(6000);
    slow.socket.bytesRead += 19;
    slower.socket.bytesRead += 2;
    admission.takeBody('write', 100, senderOf(0), new EventEmitter());
    expect([slow.gone, slower.gone, whole.gone, admission.cut]).toEqual([false, true, false, 1]);
    slow.socket.bytesRead += 20;
    expect(() => admission.takeBody('write', 100, senderOf(0), new EventEmitter())).toThrow(/at capacity/);
    vi.useRealTimers();
  });

  it('cuts replies that nobody reads when others wait for their places, and others only after long', async () => {
    const admission = new Admission(LIMITS);
    const unread = Array.from({ length: 2 }, () => {
      const reply = Object.assign(new EventEmitter(), { writableEnded: true, destroy: () => reply.emit('close') });
      return reply;
    });
    for (const reply of unread) admission.enter('heavy', reply, () => undefined);
    await turns(5);
    expect(admission.inFlight.heavy).toBe(2);
    const started = performance.now();
    let admitted = 0;
    while (admitted === 0 && performance.now() - started < 5000) {
      admission.enter('heavy', new EventEmitter(), (refusal) => void (refusal ?? admitted++));
      await new Promise((later) => setTimeout(later, 10));
    }
    expect(admitted).toBeGreaterThan(0);
    expect(admission.cut).toBeGreaterThan(0);
    admission.enter('read', Object.assign(new EventEmitter(), { writableEnded: true }), () => undefined);
    await expect.poll(() => admission.inFlight.read).toBe(1);
    admission.cutUnread(1000, ['read']);
    expect(admission.inFlight.read).toBe(1);
  });

  // Node closes no reply that waited behind another one on the same connection.
  it('gives back what was taken for requests behind others on a connection that is gone', () => {
    const admission = new Admission(LIMITS);
    const connection = { destroyed: false };
    const reply = Object.assign(new EventEmitter(), { writableEnded: true, req: { socket: connection } });
    admission.takeBody('write', 80, senderOf(0, true), reply);
    admission.enter('write', reply, () => undefined);
    admission.cutUnread(1000);
    expect([admission.inFlight.write, admission.bodyBytes]).toEqual([1, 80]);
    connection.destroyed = true;
    admission.cutUnread(1000);
    expect([admission.inFlight.write, admission.bodyBytes]).toEqual([0, 0]);
  });
});

describe('rate limit', () => {
  it('lets a burst of two seconds through, then the rate, per caller', () => {
    const limit = new RateLimit(10);
    for (let i = 0; i < 20; i++) limit.take('ann', 0);
    expect(() => limit.take('ann', 0)).toThrow(/1 s/);
    limit.take('bob', 0);
    limit.take('ann', 100);
    expect(() => limit.take('ann', 100)).toThrow();
  });
});
