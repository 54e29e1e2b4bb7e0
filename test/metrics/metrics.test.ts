import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { BrokerCounters } from '../../src/broker/limits.js';
import { systemClock } from '../../src/clock.js';
import { Metrics } from '../../src/metrics/metrics.js';
import type { MetricsPorts } from '../../src/metrics/ports.js';
import { MODBUS_PROXIES, MODBUS_SERVERS } from '../support/memory-modbus-servers.js';

/** What the parts report; a test changes it between two scrapes. */
class Plant {
  deviceReads = 0;
  devices = [
    {
      name: 'meter1',
      bus: 'hall',
      state: 'online',
      latency: 12 as number | null,
      counters: { requests: 10, answers: 8, timeouts: 2, exceptions: 1, crcErrors: 0, late: 0 },
      scans: [{ name: 'fast', lastMs: 30, overruns: 4 }],
      tags: [{ quality: 'good' }, { quality: 'good' }, { quality: 'bad' }],
    },
  ];
  ledger = { accepted: 9, delivered: 5, waiting: 3, waitingBytes: 64, dropped: { full: 1 }, difference: 0, oldestAgeMs: 1500 };
  freeBytes: number | null = 1000;
  counters = Object.assign(new BrokerCounters(), { messagesIn: 70, messagesOut: 80, droppedFull: 9 });

  ports(): MetricsPorts {
    return {
      gateway: {
        version: '0.1.0',
        startedAt: 5000,
        parts: () => [
          { name: 'store', state: 'running' },
          { name: 'bus "a"', state: 'degraded' },
          { name: 'rules', state: 'stopped' },
        ],
      },
      broker: {
        status: () => ({
          connections: 3,
          sessions: 4,
          subscriptions: 5,
          retained: 6,
          queued: 2,
          queuedBytes: 20,
        }),
        counters: () => this.counters,
      },
      field: {
        devices: () => {
          this.deviceReads++;
          return this.devices;
        },
        buses: () => [{ name: 'hall', state: 'running', queued: 1 }],
        modbusServers: () => MODBUS_SERVERS,
        modbusProxies: () => MODBUS_PROXIES,
      },
      bridges: { bridges: () => [{ name: 'cloud', link: 'connected', latency: 20, received: 1, inflight: 0, ledger: this.ledger }] },
      rules: { rules: () => [{ name: 'high', state: 'running', matched: 8, fired: 3, failed: 0, timeMs: 500 }] },
      storage: {
        status: () => ({
          state: 'running',
          databaseBytes: 4096,
          freeBytes: this.freeBytes,
          bytesWrittenToday: 12,
          lastCommitMs: 4,
          commits: 7,
        }),
      },
      console: { status: () => ({ streams: 2, streamsCutOff: 1, streamsRefused: 0 }) },
    };
  }
}

function start(t: TestContext): { metrics: Metrics; plant: Plant } {
  const plant = new Plant();
  const metrics = new Metrics(plant.ports(), systemClock);
  metrics.start();
  t.after(() => metrics.stop());
  return { metrics, plant };
}

function valueIn(text: string, series: string): number | null {
  const line = text.split('\n').find((each) => each.startsWith(`${series} `));
  return line === undefined ? null : Number(line.slice(series.length + 1));
}

test('every part of the gateway is in the metrics, in base units', async (t) => {
  const { metrics } = start(t);
  const text = await metrics.render();
  const expected: [string, number][] = [
    ['ferrule_start_time_seconds', 5],
    ['ferrule_part_up{part="store"}', 1],
    ['ferrule_part_up{part="bus \\"a\\""}', 0.5],
    ['ferrule_part_up{part="rules"}', 0],
    ['ferrule_broker_connections', 3],
    ['ferrule_broker_messages_total{direction="in"}', 70],
    ['ferrule_broker_messages_total{direction="out"}', 80],
    ['ferrule_broker_messages_dropped_total{reason="full"}', 9],
    ['ferrule_broker_messages_dropped_total{reason="slow"}', 0],
    ['ferrule_device_state{device="meter1",bus="hall",state="online"}', 1],
    ['ferrule_device_state{device="meter1",bus="hall",state="offline"}', 0],
    ['ferrule_device_latency_seconds{device="meter1",bus="hall"}', 0.012],
    ['ferrule_device_errors_total{device="meter1",bus="hall",kind="timeout"}', 2],
    ['ferrule_device_tags{device="meter1",bus="hall",quality="good"}', 2],
    ['ferrule_device_tags{device="meter1",bus="hall",quality="stale"}', 0],
    ['ferrule_device_scan_overruns_total{device="meter1",bus="hall",scan="fast"}', 4],
    ['ferrule_bus_up{bus="hall"}', 1],
    ['ferrule_modbus_server_up{server="scada"}', 1],
    ['ferrule_modbus_server_connections{server="scada"}', 3],
    ['ferrule_modbus_server_requests_total{server="scada"}', 184_220],
    ['ferrule_modbus_server_exceptions_total{server="scada"}', 12],
    ['ferrule_modbus_server_connections_total{server="scada",outcome="denied"}', 4],
    ['ferrule_modbus_proxy_requests_total{bus="line1",from="kept"}', 9120],
    ['ferrule_modbus_proxy_requests_total{bus="line1",from="bus"}', 40_218],
    ['ferrule_bridge_accepted_total{bridge="cloud"}', 9],
    ['ferrule_bridge_dropped_total{bridge="cloud",reason="full"}', 1],
    ['ferrule_bridge_oldest_waiting_seconds{bridge="cloud"}', 1.5],
    ['ferrule_bridge_ledger_difference{bridge="cloud"}', 0],
    ['ferrule_rule_seconds_total{rule="high"}', 0.5],
    ['ferrule_store_commits_total', 7],
    ['ferrule_store_free_bytes', 1000],
    ['ferrule_console_streams', 2],
  ];
  for (const [series, value] of expected) assert.equal(valueIn(text, series), value, series);
  assert.ok((valueIn(text, 'ferrule_process_resident_bytes') ?? 0) > 1_000_000);
});

test('every counter of the broker is in the metrics', async (t) => {
  const { metrics, plant } = start(t);
  const names = Object.keys(plant.counters) as (keyof BrokerCounters)[];
  names.forEach((name, index) => {
    plant.counters[name] = 1_000_001 + index;
  });
  const values = new Set((await metrics.render()).split('\n').map((line) => line.split(' ').at(-1)));
  // A counter that is missing here goes into src/metrics/ports.ts and src/metrics/broker.ts.
  assert.deepEqual(
    names.filter((name) => !values.has(String(plant.counters[name]))),
    [],
  );
});

test('the text is what Prometheus reads: help and type for each name, all of them ferrule_*', async (t) => {
  const { metrics } = start(t);
  const lines = (await metrics.render()).split('\n').filter((line) => line !== '');
  const typed = new Set(lines.filter((line) => line.startsWith('# TYPE ')).map((line) => line.split(' ')[2]));
  for (const line of lines) {
    if (line.startsWith('#')) continue;
    assert.match(line, /^ferrule_[a-z0-9_]+(?:\{(?:[a-z0-9_]+="(?:[^"\\]|\\.)*",?)+\})? (?:-?[0-9.e+-]+|Nan|NaN)$/);
    assert.ok(typed.has(line.split(/[{ ]/)[0] ?? ''), line);
  }
});

test('a device that was removed is gone from the next scrape', async (t) => {
  const { metrics, plant } = start(t);
  assert.ok((await metrics.render()).includes('meter1'));
  plant.devices = [];
  assert.ok(!(await metrics.render()).includes('meter1'));
});

test('totals follow the parts, also when a part began anew', async (t) => {
  const { metrics, plant } = start(t);
  await metrics.render();
  plant.ledger = { ...plant.ledger, accepted: 2 };
  assert.equal(valueIn(await metrics.render(), 'ferrule_bridge_accepted_total{bridge="cloud"}'), 2);
});

test('what is not known is left out, or NaN where there is only one series', async (t) => {
  const { metrics, plant } = start(t);
  plant.freeBytes = null;
  for (const device of plant.devices) device.latency = null;
  const text = await metrics.render();
  assert.equal(valueIn(text, 'ferrule_device_latency_seconds{device="meter1",bus="hall"}'), null);
  assert.match(text, /^ferrule_store_free_bytes Nan$/im);
});

test('a scrape asks each part once, and two at the same time share it', async (t) => {
  const { metrics, plant } = start(t);
  const [one, other] = await Promise.all([metrics.render(), metrics.render()]);
  assert.equal(one, other);
  assert.equal(plant.deviceReads, 1);
  await metrics.render();
  assert.equal(plant.deviceReads, 2);
});

test('an event loop that was held up shows in the delay', async (t) => {
  const { metrics } = start(t);
  assert.equal(new Metrics(new Plant().ports(), systemClock).eventLoopDelayMs(), null);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const until = performance.now() + 200;
  while (performance.now() < until);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const delay = metrics.eventLoopDelayMs();
  assert.ok(delay !== null && delay > 100, `p99 is ${delay} ms`);
});

test('start and stop can be repeated', (t) => {
  const { metrics } = start(t);
  metrics.start();
  metrics.stop();
  metrics.stop();
  assert.equal(metrics.eventLoopDelayMs(), null);
  metrics.start();
});
