/**
 * What the store costs: node scripts/bench-store.mjs [--dir DIR] [--build DIR]   (after `npm run build`)
 *
 * Prints publications per second with their CPU on the main thread, and the bytes that reach the disk per stored message
 * (100-byte payloads, one target, insert and later delete) by how many messages share a transaction.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { dir: { type: 'string', default: tmpdir() }, build: { type: 'string', default: 'dist' } } });
const load = (file) => import(pathToFileURL(resolve(values.build, file)));
const { SqliteStore } = await load('store/store.js');
const { systemClock } = await load('clock.js');
const { silentLogger } = await load('log.js');

const SESSION = {
  username: null,
  version: 4,
  expiryInterval: 1,
  connected: true,
  disconnectedAt: 0,
  internal: false,
  maxQueuedMessages: 0,
  maxQueuedBytes: 0,
};
const payload = Buffer.alloc(100, 0x61);

/** One object per publication, as the broker has it: no closure. */
class Publication {
  constructor(message, targets, seq) {
    this.message = message;
    this.entries = targets.map((sid) => ({
      sid,
      seq,
      qos: 1,
      retain: false,
      subscriptionIds: null,
      message,
      released: false,
      state: 0,
      publication: null,
    }));
    this.retain = false;
    this.inboundQos2 = null;
    this.outstanding = 0;
  }

  settled(error) {
    if (error !== null) throw error;
    Publication.open--;
  }
}
Publication.open = 0;

const message = (n) => ({
  topic: `plant/line${n % 50}/value`,
  payload,
  qos: 1,
  retain: false,
  properties: null,
  at: Date.now(),
  expiresAt: 0,
  publisher: 'press-1',
});
const turn = () => new Promise(setImmediate);
const committed = (store) => new Promise((done, fail) => store.whenCommitted((error) => (error === null ? done() : fail(error))));
const written = () => Number(/^write_bytes: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'))[1]);

/** utime + stime of the main thread, in ticks of 10 ms. */
function mainThreadCpuMs() {
  const fields = readFileSync(`/proc/self/task/${process.pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

async function withStore(work) {
  const dir = mkdtempSync(join(values.dir, 'ferrule-bench-'));
  const store = new SqliteStore({ dir, durability: 'strict', commitIntervalMs: 0, clock: systemClock, log: silentLogger });
  try {
    await store.start();
    for (let sid = 1; sid <= 50; sid++) store.putSession({ ...SESSION, sid, clientId: `client-${sid}` });
    await committed(store);
    return await work(store);
  } finally {
    await store.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

async function throughput(name, count, targets, acknowledge) {
  await withStore(async (store) => {
    const waiting = [];
    let high = false;
    store.on('pressure', (now) => {
      high = now;
    });
    const start = performance.now();
    const cpu = mainThreadCpuMs();
    for (let n = 1; n <= count; ) {
      for (let i = 0; i < 200 && n <= count; i++, n++) {
        const publication = new Publication(message(n), targets(n), n);
        Publication.open++;
        store.publish(publication);
        if (acknowledge) waiting.push(...publication.entries);
      }
      // Receivers acknowledge a little later: some in the batch, some while it is being committed.
      if (waiting.length > 2000) for (const entry of waiting.splice(0, 1000)) store.removeEntry(entry, 'delivered');
      await turn();
      while (high || Publication.open > 20_000) await setTimeout(1);
    }
    for (const entry of waiting) store.removeEntry(entry, 'delivered');
    await committed(store);
    const seconds = (performance.now() - start) / 1000;
    const busy = mainThreadCpuMs() - cpu;
    const { commits, cancelled } = store.stats;
    console.log(
      `${name.padEnd(46)} ${Math.round(count / seconds)
        .toString()
        .padStart(
          8,
        )} publications/s  main thread ${((busy * 1000) / count).toFixed(2)} us each  ${commits} commits  ${cancelled} never written`,
    );
  });
}

async function wear(perCommit) {
  await withStore(async (store) => {
    const count = Math.max(200, perCommit * 20);
    const before = written();
    const entries = [];
    for (let n = 1; n <= count; n++) {
      const publication = new Publication(message(n), [1], n);
      Publication.open++;
      entries.push(publication.entries[0]);
      store.publish(publication);
      if (n % perCommit === 0) await committed(store);
    }
    for (let i = 0; i < count; i++) {
      store.removeEntry(entries[i], 'delivered');
      if ((i + 1) % perCommit === 0) await committed(store);
    }
    await store.stop();
    console.log(`${String(perCommit).padStart(6)} per transaction: ${((written() - before) / count / 1000).toFixed(2)} kB per message`);
  });
}

await throughput('one durable target', 300_000, (n) => [1 + (n % 50)], false);
await throughput('one durable target, acknowledged soon after', 300_000, (n) => [1 + (n % 50)], true);
await throughput('ten durable targets', 50_000, (n) => Array.from({ length: 10 }, (_, i) => 1 + ((n + i * 5) % 50)), true);
for (const perCommit of [1, 10, 100, 1000]) await wear(perCommit);
