import assert from 'node:assert/strict';
import { cp, lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../src/clock.js';
import { silentLogger } from '../../src/log.js';
import { packageRoot } from '../../src/paths.js';
import { SqliteStore } from '../../src/store/store.js';
import { PymodbusServer } from '../peers/modbus.js';
import { type Mosquitto, startMosquitto } from '../peers/mosquitto.js';
import { mosquittoSub } from '../peers/mosquitto-clients.js';
import { startPaho } from '../peers/paho.js';
import { SerialPair } from '../peers/socat.js';
import { startProcess } from '../support/process.js';
import { tempDir } from '../support/temp-dir.js';
import { waitFor } from '../support/wait-for.js';
import { GatewayProcess } from './gateway-process.js';

/** How long the upstream is away. */
const OUTAGE_MS = 30_000;

interface Place {
  topic: string;
  payload: string;
}

const key = ({ topic, payload }: Place): string => `${topic} ${payload}`;

function configuration(options: { modbusPort: number; line: string; instrument: string; upstream: Mosquitto }): string {
  return `
field:
  buses:
    - {name: hall, type: modbus_tcp, host: 127.0.0.1, port: ${options.modbusPort}, timeout: 500ms}
    - {name: line1, type: modbus_rtu, port: ${options.line}, baud: 115200, timeout: 500ms}
    - {name: bench, type: serial, port: ${options.instrument}, baud: 115200}
  devices:
    - name: press
      bus: hall
      unit: 1
      scan: {fast: 200ms}
      tags: [{name: count, area: holding, address: 10, type: uint32, order: ABCD, scan: fast}]
    - name: meter
      bus: line1
      unit: 7
      scan: {fast: 200ms}
      tags: [{name: count, area: input, address: 20, type: uint16, scan: fast}]
    - name: scale
      bus: bench
      frame: {type: delimiter, end: "\\r\\n", max: 128}
      decode: {type: regex, pattern: "^ST,(?<weight>[0-9.]+)kg$", fields: [{name: weight, type: float, unit: kg}]}
bridges:
  - name: cloud
    preset: mosquitto
    urls: ["${options.upstream.url}"]
    reconnect: {min: 200ms, max: 1s}
    out:
      - {topic: "field/#", to: "plant/{topic}", qos: 1}
      - {topic: "lan/#", to: "plant/{topic}", qos: 1}
      - {topic: "alarms/#", to: "plant/{topic}", qos: 1}
    in: [{topic: "plant/cmd/#", to: "cmd/{rest}", qos: 1}]
rules: {directory: rules}
`;
}

const RULE = `
rule: heavy
on: {topic: "field/scale/weight"}
when: payload.v > 50
do:
  - publish: {topic: "alarms/scale", payload: {weight: payload.v}, qos: 1}
`;

/** Everything that waits for the upstream in a copy of the data directory of a gateway that was killed. */
async function committedSpool(t: TestContext, dataDir: string): Promise<Place[]> {
  const copy = await tempDir(t);
  // Sockets are no content: that of a killed gateway is still there.
  await cp(dataDir, copy, { recursive: true, filter: async (source) => !(await lstat(source)).isSocket() });
  const store = new SqliteStore({ dir: copy, durability: 'strict', commitIntervalMs: 0, clock: systemClock, log: silentLogger });
  await store.start();
  const waiting: Place[] = [];
  for await (const page of store.loadSessions()) {
    for (const session of page.filter(({ internal }) => internal)) {
      const { counters } = session;
      const dropped = counters.droppedFull + counters.droppedExpired + counters.droppedOther;
      assert.equal(
        counters.accepted,
        counters.delivered + dropped + counters.waiting,
        'the ledger balances on the disk of a killed gateway',
      );
      for (let from = 0; ; ) {
        const entries = await store.readQueue(session.sid, from, 500, 1 << 20);
        if (entries.length === 0) break;
        for (const { message } of entries) waiting.push({ topic: message.topic, payload: message.payload.toString() });
        from = entries.at(-1)!.seq + 1;
      }
    }
  }
  await store.stop();
  return waiting;
}

/** Per topic, the first occurrences of each payload must be in the order in which they were sent. */
function assertOrder(sent: readonly Place[], received: readonly Place[], what: string): void {
  for (const topic of new Set(sent.map((place) => place.topic))) {
    const position = new Map(sent.filter((place) => place.topic === topic).map(({ payload }, index) => [payload, index]));
    const seen = new Set<string>();
    let last = -1;
    for (const { payload } of received.filter((place) => place.topic === topic)) {
      const index = position.get(payload);
      if (index === undefined || seen.has(payload)) continue;
      seen.add(payload);
      assert.ok(index > last, `${what}: ${topic} ${payload} came out of order`);
      last = index;
    }
  }
}

async function ledger(gateway: GatewayProcess): Promise<Record<string, number>> {
  const { text } = await gateway.get('/metrics');
  const figures: Record<string, number> = {};
  for (const match of text.matchAll(/^ferrule_bridge_(\w+)\{[^}]*bridge="cloud"[^}]*\} (\S+)$/gm)) {
    figures[match[1]!] = (figures[match[1]!] ?? 0) + Number(match[2]);
  }
  return figures;
}

async function claim(gateway: GatewayProcess): Promise<void> {
  const code = /"setupCode":"([^"]+)"/.exec(gateway.log)?.[1];
  const response = await fetch(`http://127.0.0.1:${gateway.consolePort}/api/v1/setup/claim`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ code, username: 'admin', password: 'a long enough one' }),
  });
  assert.equal(response.status, 201, await response.text());
}

test('does every value and message arrive upstream, in order, through an outage and a kill -9?', { timeout: 180_000 }, async (t) => {
  const upstream = await startMosquitto(t, { persistence: true, config: ['max_queued_messages 0'] });
  const cloud = await startPaho(t, { port: upstream.port, id: 'cloud', clean: false, topics: ['plant/#'] });
  const tcp = await PymodbusServer.start(t, 0, [1]);
  const line = await SerialPair.open(t);
  const rtu = await PymodbusServer.start(t, line.theirs, [7]);
  const cable = await SerialPair.open(t);
  const script = join(packageRoot(), 'test/peers/scale_instrument.py');
  const instrument = await startProcess('/usr/bin/python3', [script, cable.theirs]);
  t.after(() => instrument.kill());

  const gateway = await GatewayProcess.create(
    t,
    configuration({ modbusPort: tcp.port, line: line.ours, instrument: cable.ours, upstream }),
  );
  await gateway.writeRule('heavy.yaml', RULE);
  await gateway.start();
  gateway.keepLog();
  await claim(gateway);

  // --- the whole way, while everything is up
  const lan = await mosquittoSub(t, {
    port: gateway.mqttPort,
    topics: ['field/#', 'alarms/#', 'cmd/#'],
    id: 'panel',
    clean: false,
    qos: 1,
  });
  const sender = await startPaho(t, { port: gateway.mqttPort, id: 'sender', clean: false });
  let count = 0;
  let counting = true;
  const registers = (async () => {
    while (counting) {
      count++;
      await Promise.all([tcp.set(1, 'holding', 10, count >> 16, count & 0xffff), rtu.set(7, 'input', 20, count)]);
      await sleep(150);
    }
  })();
  t.after(() => {
    counting = false;
    return registers;
  });
  const good =
    (topic: string) =>
    (messages: readonly Place[]): boolean =>
      messages.some((message) => message.topic === topic && JSON.parse(message.payload).q === 'good');
  for (const topic of ['field/press/count', 'field/meter/count', 'field/scale/weight']) {
    await waitFor(() => good(topic)(lan.messages), { message: `a good value on ${topic} at the LAN client` });
    await waitFor(() => good(`plant/${topic}`)(pahoPlaces(cloud.messages)), { message: `a good value on ${topic} upstream` });
  }
  await waitFor(() => cloud.messages.some(({ topic }) => topic === 'plant/alarms/scale'), { message: 'the rule to fire' });
  const commander = await startPaho(t, { port: upstream.port });
  await commander.publish('plant/cmd/press/start', 'now');
  await waitFor(() => lan.messages.some(({ topic, payload }) => topic === 'cmd/press/start' && payload === 'now'), {
    message: 'the command from upstream at the LAN client',
  });

  // --- the upstream goes; values flow on and a LAN client publishes
  await upstream.stop();
  const gone = performance.now();
  const sent: { place: Place; tag: number }[] = [];
  const send = (): void => {
    const place = { topic: `lan/${sent.length % 3}`, payload: `message ${sent.length}` };
    sent.push({ place, tag: sender.send(place.topic, place.payload, { qos: 1 }) });
  };
  while (performance.now() - gone < OUTAGE_MS / 2) {
    send();
    await sleep(20);
  }
  // --- kill -9 in the middle, with messages under way
  for (let i = 0; i < 20; i++) send();
  await gateway.kill();
  const acknowledgedBefore = new Set(sender.acknowledged);
  const committed = await committedSpool(t, gateway.dataDir);
  assert.ok(committed.some(({ topic }) => topic.startsWith('field/')) && committed.some(({ topic }) => topic.startsWith('lan/')));
  const inSpool = new Set(committed.map(key));
  for (const { place, tag } of sent) {
    if (acknowledgedBefore.has(tag)) assert.ok(inSpool.has(key(place)), `acknowledged and not on disk: ${key(place)}`);
  }
  await gateway.start();
  while (performance.now() - gone < OUTAGE_MS) {
    send();
    await sleep(20);
  }

  // --- the upstream returns
  await upstream.start();
  await waitFor(() => sent.every(({ tag }) => sender.acknowledged.has(tag)), {
    timeout: 30_000,
    message: 'all messages of the LAN client acknowledged',
  });
  counting = false;
  await registers;
  const upstreamOf = ({ topic, payload }: Place): string => key({ topic: `plant/${topic}`, payload });
  const arrived = (): Set<string> => new Set(pahoPlaces(cloud.messages).map(key));
  const expected = [...committed, ...sent.map(({ place }) => place)];
  await waitFor(
    () => {
      const there = arrived();
      return expected.every((place) => there.has(upstreamOf(place)));
    },
    {
      timeout: 60_000,
      interval: 250,
      message: () => {
        const there = arrived();
        const missing = expected.filter((place) => !there.has(upstreamOf(place)));
        return `${missing.length} of ${expected.length} to arrive upstream, e.g. ${missing.slice(0, 3).map(key).join(', ')}`;
      },
    },
  );
  const atCloud = pahoPlaces(cloud.messages).map(({ topic, payload }) => ({ topic: topic.replace(/^plant\//, ''), payload }));
  assertOrder(
    sent.map(({ place }) => place),
    atCloud,
    'messages of the LAN client',
  );
  assertOrder(
    committed.filter(({ topic }) => topic.startsWith('field/') && !topic.endsWith('$state')),
    atCloud,
    'values',
  );

  // --- and the books are right
  const books = await waitFor(
    async () => {
      const figures = await ledger(gateway);
      return figures.waiting_messages === 0 ? figures : null;
    },
    { timeout: 20_000, message: 'the spool to be empty' },
  );
  assert.equal(books.ledger_difference, 0);
  assert.equal(books.dropped_total, 0);
  assert.equal(books.accepted_total, books.delivered_total);
  assert.ok(books.accepted_total! >= new Set(expected.map(key)).size);
  const end = await gateway.terminate();
  assert.equal(end.code, 0);
  assert.ok(end.ms < 5000, `SIGTERM took ${end.ms} ms`);
});

function pahoPlaces(messages: readonly { topic: string; payload: Buffer }[]): Place[] {
  return messages.map(({ topic, payload }) => ({ topic, payload: payload.toString() }));
}
