import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { packageRoot } from '../../src/paths.js';
import { ApiClient } from '../e2e/api-client.js';
import { GatewayProcess } from '../e2e/gateway-process.js';
import { buildDiskShim } from '../support/disk.js';
import { needs } from '../support/needs.js';
import { runProcess } from '../support/process.js';
import { RawClient } from '../support/raw-client.js';
import { waitFor } from '../support/wait-for.js';

const skip = needs('gcc');
const SLOW_MS = 500;
/** p99 of the event loop, s. A loop that waits for the disk shows 0.25 and more; the rest is what a busy machine may add. */
const LOOP_BOUND = process.env.FERRULE_LONG === '1' ? 0.02 : 0.1;
/** One interval of the event loop's figure, s. */
const INTERVAL_S = 10;

interface Controls {
  gateway: GatewayProcess;
  /** ms that an fsync takes; 0: what it takes. */
  delay(ms: number): Promise<void>;
  /** Every write and fsync fails with this; null: none. */
  fail(error: 'EIO' | 'EROFS' | null): Promise<void>;
}

/** A gateway on a disk that can be made slow and broken. */
async function gatewayOnTestDisk(t: TestContext): Promise<Controls> {
  const gateway = await GatewayProcess.create(t, '');
  const delay = join(gateway.folder, 'delay');
  const fail = join(gateway.folder, 'fail');
  gateway.env = { LD_PRELOAD: await buildDiskShim(t), DISK_DIR: gateway.dataDir, DISK_DELAY: delay, DISK_FAIL: fail };
  await gateway.start();
  return {
    gateway,
    delay: (ms) => writeFile(delay, String(ms)),
    fail: (error) => (error === null ? rm(fail, { force: true }) : writeFile(fail, String(constants.errno[error]))),
  };
}

async function durableSubscriber(port: number, topic: string): Promise<void> {
  const client = await RawClient.open(port, { clientId: `of-${topic}`, clean: false });
  await client.subscribe(topic, 1);
  await client.close();
}

for (const error of ['EIO', 'EROFS'] as const) {
  const what = error === 'EIO' ? 'that fails (EIO)' : 'that the system made read-only (EROFS)';
  test(`a disk ${what} while the gateway runs: no acknowledgement, exit code 4, and the next start has all that was acknowledged`, {
    skip,
  }, async (t) => {
    const { gateway, fail } = await gatewayOnTestDisk(t);
    await durableSubscriber(gateway.mqttPort, 'orders');
    const publisher = await RawClient.open(gateway.mqttPort);
    for (let i = 0; i < 20; i++) await publisher.publish('orders', `order ${i}`, { qos: 1 });
    await fail(error);
    const acknowledged = publisher.publish('orders', 'never stored', { qos: 1 }).then(
      () => true,
      () => false,
    );
    assert.equal(await gateway.ended(), 4);
    assert.equal(await acknowledged, false, 'what could not be stored was acknowledged');
    assert.match(gateway.printed, /FER_STORE_IO/);
    await fail(null);
    gateway.log = '';
    await gateway.start();
    const back = await RawClient.open(gateway.mqttPort, { clientId: 'of-orders', clean: false });
    const orders = (await back.nextMessages(20)).map(({ payload }) => payload.toString());
    assert.deepEqual(
      orders,
      Array.from({ length: 20 }, (_, i) => `order ${i}`),
    );
    await back.ping();
    assert.equal(back.messages.length, 20);
    assert.doesNotMatch(gateway.printed, /damaged|is missing/);
  });
}

test('a data directory on a read-only disk is refused in words, with exit code 3', async (t) => {
  const gateway = await GatewayProcess.create(t, '');
  await gateway.start();
  await gateway.terminate();
  // In a namespace of its own: nothing stays mounted.
  const script =
    'mount -t tmpfs none "$1/data" && cp -a "$1/before/." "$1/data/" && mount -o remount,ro "$1/data" || exit 77; exec "$2" "$3" start --config "$1/ferrule.yaml" --data "$1/data"';
  await runProcess('/bin/cp', ['-a', gateway.dataDir, join(gateway.folder, 'before')]);
  const main = join(packageRoot(), 'build/src/main.js');
  const args = ['-m', '/bin/sh', '-c', script, 'sh', gateway.folder, process.execPath, main];
  const { code, stdout, stderr } = await runProcess('/usr/bin/unshare', args);
  if (code === 77 || /unshare failed/.test(stderr)) {
    t.skip('may not mount here');
    return;
  }
  assert.equal(code, 3, stdout + stderr);
  assert.match(stderr, /data: The disk of the data directory is read-only/);
  assert.match(stderr, /\[FER_STORE_OPEN\]/);
});

async function eventLoopP99(gateway: GatewayProcess): Promise<number> {
  const { text } = await gateway.get('/metrics');
  return Number(/^ferrule_event_loop_delay_p99_seconds(?:\{.*\})? (\S+)$/m.exec(text)?.[1]);
}

test('a disk whose fsync takes 500 ms holds up its acknowledgements, and neither the event loop nor anybody else', { skip }, async (t) => {
  const { gateway, delay } = await gatewayOnTestDisk(t);
  const port = gateway.mqttPort;
  await durableSubscriber(port, 'orders');
  // Only a gateway that has an owner shows its figures.
  await ApiClient.claim(gateway);
  await delay(SLOW_MS);
  const publishers = await Promise.all(Array.from({ length: 10 }, () => RawClient.open(port)));
  const listener = await RawClient.open(port);
  await listener.subscribe('live', 0);
  let running = true;
  const acknowledgements: number[] = [];
  const publish = async (client: RawClient): Promise<void> => {
    while (running) {
      const since = performance.now();
      await client.publish('orders', Buffer.alloc(200), { qos: 1 });
      acknowledgements.push(performance.now() - since);
    }
  };
  const latencies: number[] = [];
  const live = async (): Promise<void> => {
    const client = await RawClient.open(port);
    for (; running; await new Promise((resolve) => setTimeout(resolve, 20))) {
      const since = performance.now();
      await client.publish('live', 'x');
      await listener.nextMessage();
      latencies.push(performance.now() - since);
    }
  };
  const load = Promise.all([...publishers.map(publish), live()]);
  // The first interval has the start in it. Other programs may hold this machine up for one; a loop that waits for the disk shows in all.
  let p99 = Number.POSITIVE_INFINITY;
  const since = performance.now();
  await waitFor(
    async () => {
      if (performance.now() - since < INTERVAL_S * 1100) return false;
      p99 = await eventLoopP99(gateway);
      return p99 < LOOP_BOUND;
    },
    { timeout: 8 * INTERVAL_S * 1000, interval: 1000, message: () => `the event loop's p99 to fall; it is ${p99 * 1000} ms` },
  );
  running = false;
  await load;
  await delay(0);
  const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
  assert.ok(median(acknowledgements) >= SLOW_MS * 0.9, `the disk was not slow: ${median(acknowledgements)} ms to an acknowledgement`);
  assert.ok(median(latencies) < 50, `QoS 0 took ${median(latencies)} ms`);
  t.diagnostic(
    `event loop p99 ${(p99 * 1000).toFixed(1)} ms, QoS 0 median ${median(latencies).toFixed(1)} ms, PUBACK median ${median(acknowledgements).toFixed(0)} ms`,
  );
});
