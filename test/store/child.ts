/** What tests run in a process of its own: node child.js COMMAND DIR. Not a test. */
import { openSync, writeSync } from 'node:fs';
import { systemClock } from '../../src/clock.js';
import { FerruleError } from '../../src/errors.js';
import { silentLogger } from '../../src/log.js';
import { SqliteStore } from '../../src/store/store.js';
import { EntryState, messageBytes, type QueueEntry, type StoredMessage } from '../../src/store/types.js';

const [command, dir = '', argument = '', log = ''] = process.argv.slice(2);
const store = new SqliteStore({ dir, durability: 'strict', commitIntervalMs: 0, clock: systemClock, log: silentLogger });

function settled(sid: number, seq: number, payload: Buffer, entries?: QueueEntry[]): Promise<Error | null> {
  const message: StoredMessage = {
    topic: `t/${seq % 7}`,
    payload,
    qos: 1,
    retain: false,
    properties: null,
    at: Date.now(),
    expiresAt: 0,
    publisher: 'child',
  };
  const entry: QueueEntry = {
    sid,
    seq,
    qos: 1,
    retain: false,
    subscriptionIds: null,
    message,
    bytes: messageBytes(message),
    released: false,
    state: EntryState.Pending,
    publication: null,
  };
  entries?.push(entry);
  return new Promise((resolve) => {
    store.publish({ message, entries: [entry], retain: seq % 5 === 0, inboundQos2: null, settled: resolve, outstanding: 0 });
  });
}

const SESSION = {
  clientId: 'c1',
  username: null,
  version: 4,
  expiryInterval: 1,
  connected: false,
  disconnectedAt: 0,
  internal: true,
  maxQueuedMessages: 0,
  maxQueuedBytes: 0,
} as const;

function codeOf(error: unknown): string {
  return error instanceof FerruleError ? error.code : String(error);
}

async function start(): Promise<void> {
  try {
    await store.start();
    process.send!(null);
    await store.stop();
  } catch (thrown) {
    process.send!({ code: codeOf(thrown), message: thrown instanceof Error ? thrown.message : '' });
  }
  process.disconnect();
}

async function hold(): Promise<void> {
  await store.start();
  store.putSession({ sid: 1, ...SESSION });
  store.whenCommitted(() => process.send!('held'));
}

/** A process that ends without stopping its store. */
async function leave(): Promise<void> {
  await store.start();
  store.putSession({ sid: 1, ...SESSION });
  store.whenCommitted(() => {
    if (argument === 'exit') process.exit(7);
    setImmediate(() => {
      throw new Error('a fault');
    });
  });
}

async function overrun(): Promise<void> {
  await store.start();
  store.putSession({ sid: 1, ...SESSION });
  let first: Error | null = null;
  for (let seq = 1; first === null; seq++) first = await settled(1, seq, Buffer.alloc(20_000));
  const later = await settled(1, 100_000, Buffer.alloc(1));
  const read = await store.readCounters(1).catch((error: unknown) => error);
  writeSync(1, JSON.stringify({ first: codeOf(first), state: store.state, later: codeOf(later), read: codeOf(read) }));
  await store.stop();
}

/** Publishes from the given sequence number on and logs `p SEQ` for each that settled, `r SEQ` for each removal on disk. */
async function work(): Promise<void> {
  await store.start();
  store.putSession({ sid: 1, ...SESSION });
  // Into a file: what a pipe has no room for would wait in this process, and be lost with it.
  const file = openSync(log, 'a');
  const print = (line: string): void => {
    writeSync(file, `${line}\n`);
  };
  process.stdout.write('ready\n');
  const waiting: QueueEntry[] = [];
  let seq = Number(argument);
  const step = (): void => {
    for (let i = 0; i < 20; i++) {
      const mine = seq++;
      void settled(1, mine, Buffer.alloc(10 + (mine % 900), mine % 256), waiting).then((error) => {
        if (error === null) print(`p ${mine}`);
      });
    }
    // Some are acknowledged by their receiver, in the batch or later.
    while (waiting.length > 40) {
      const entry = waiting.splice((seq * 7) % waiting.length, 1)[0]!;
      print(`r ${entry.seq}`);
      store.removeEntry(entry, 'delivered');
    }
    setTimeout(step, 1);
  };
  step();
}

const COMMANDS: Record<string, () => Promise<void>> = { start, hold, leave, overrun, work };
await COMMANDS[command ?? '']!();
