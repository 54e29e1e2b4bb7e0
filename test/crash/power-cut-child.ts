/**
 * Loads a store and writes down what it may rely on: node power-cut-child.js DIR DURABILITY MEGABYTES stop|die. Not a test.
 *
 * The ledger DIR/ledger has one line per fact, written as soon as it is one (`p`, `l`, `i`, `k`) or before it can become
 * one (`r`, `j`):
 *   p SID SEQ    the message was acknowledged        r SID SEQ   its receiver acknowledged it, it may go
 *   l SID SEQ    its release (QoS 2) is on disk
 *   i ID         an inbound QoS 2 id is on disk      j ID        its publisher released it, it may go
 *   k TOPIC SEQ  the retained message is on disk
 */
import { openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { systemClock } from '../../src/clock.js';
import { silentLogger } from '../../src/log.js';
import { SqliteStore } from '../../src/store/store.js';
import { EntryState, messageBytes, type QueueEntry, type StoredMessage } from '../../src/store/types.js';
import { INBOUND_SID, payloadOf, QUEUE_SIDS, RETAINED_EVERY, topicOf } from './power-cut-load.js';

const [dir = '', durability = 'strict', megabytes = '1', end = 'stop'] = process.argv.slice(2);
const BURST = 20;
const KEPT = 60;

const ledger = openSync(join(dir, 'ledger'), 'a');
const note = (line: string): void => {
  writeSync(ledger, `${Math.round(performance.now() + performance.timeOrigin)} ${line}\n`);
};

const store = new SqliteStore({
  dir,
  durability: durability === 'relaxed' ? 'relaxed' : 'strict',
  commitIntervalMs: 0,
  clock: systemClock,
  log: silentLogger,
});
await store.start();
const next = new Map<number, number>();
let inboundId = 0;
for await (const page of store.loadSessions()) {
  for (const { sid, lastSeq, inboundQos2 } of page) {
    next.set(sid, lastSeq + 1);
    inboundId = Math.max(inboundId, ...inboundQos2);
  }
}
for (const sid of [...QUEUE_SIDS, INBOUND_SID]) {
  if (next.has(sid)) continue;
  next.set(sid, 1);
  store.putSession({
    sid,
    clientId: `c${sid}`,
    username: null,
    version: 5,
    expiryInterval: 0xffffffff,
    connected: false,
    disconnectedAt: 0,
    internal: sid === QUEUE_SIDS[0],
    maxQueuedMessages: 0,
    maxQueuedBytes: 0,
  });
}

const waiting: QueueEntry[] = [];
let written = 0;

function publish(): void {
  const first = QUEUE_SIDS[0]!;
  const seq = next.get(first)!;
  const message: StoredMessage = {
    topic: topicOf(seq),
    payload: payloadOf(seq),
    qos: 2,
    retain: false,
    properties: null,
    at: Date.now(),
    expiresAt: 0,
    publisher: 'load',
  };
  // All queues have the same numbers, so that a message can be told from its number.
  const entries = QUEUE_SIDS.map((sid): QueueEntry => {
    next.set(sid, seq + 1);
    return {
      sid,
      seq,
      qos: 2,
      retain: false,
      subscriptionIds: null,
      message,
      bytes: messageBytes(message),
      released: false,
      state: EntryState.Pending,
      publication: null,
    };
  });
  const retain = seq % RETAINED_EVERY === 0;
  const packetId = seq % 3 === 0 ? ++inboundId : 0;
  written += message.payload.length;
  store.publish({
    message,
    entries,
    retain,
    inboundQos2: packetId === 0 ? null : { sid: INBOUND_SID, packetId },
    outstanding: 0,
    settled: (error) => {
      if (error !== null) throw error;
      for (const sid of QUEUE_SIDS) note(`p ${sid} ${seq}`);
      if (retain) note(`k ${message.topic} ${seq}`);
      if (packetId > 0) {
        note(`i ${packetId}`);
        if (packetId % 2 === 0) releaseInbound(packetId);
      }
    },
  });
  waiting.push(...entries);
}

function releaseInbound(packetId: number): void {
  setTimeout(() => {
    note(`j ${packetId}`);
    store.deleteInboundQos2(INBOUND_SID, packetId);
  }, 5);
}

/** Receivers acknowledge, some at once (their message is never written), some later, in any order. */
function receive(): void {
  while (waiting.length > KEPT) {
    const [entry] = waiting.splice((written * 7) % waiting.length, 1) as [QueueEntry];
    if (entry.seq % 4 === 0 && entry.state === EntryState.Committed) {
      store.releaseEntry(entry);
      entry.released = true;
      store.whenCommitted((error) => {
        if (error !== null) throw error;
        note(`l ${entry.sid} ${entry.seq}`);
      });
      continue;
    }
    note(`r ${entry.sid} ${entry.seq}`);
    store.removeEntry(entry, 'delivered');
  }
}

while (written < Number(megabytes) * 1e6) {
  for (let i = 0; i < BURST; i++) publish();
  receive();
  await turn();
  // The disk decides the pace, not the memory.
  while (store.stats.uncommittedBytes > 500_000) await sleep(1);
}
// Not process.exit(), at which the database is closed in good order.
if (end === 'die') process.kill(process.pid, 'SIGKILL');
await store.stop();
