import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BridgesPort, GatewayPort } from '../../src/console/ports.js';
import { FerruleError } from '../../src/errors.js';
import { ManualClock } from '../support/manual-clock.js';
import { waitFor } from '../support/wait-for.js';
import { ScriptedUpstream } from './scripted-upstream.js';
import { config, Gateway, message, sequence, startBridges } from './support.js';

const OUT = [{ topic: 'f/#', to: '{topic}', qos: 1 as const }];

test('A changed configuration adds, changes and removes; the bridge that is the same keeps its link', async (t) => {
  const upstream = await ScriptedUpstream.start(t);
  const same = config({ name: 'same', urls: [upstream.url], out: OUT });
  const changed = config({ name: 'changed', urls: [upstream.url], out: OUT, in: [{ topic: 'old/#', to: 'x/{rest}', qos: 1 }] });
  const gone = config({ name: 'gone', urls: [upstream.url], out: OUT });
  const gateway = await startBridges(t, [same, changed, gone]);
  for (const name of ['same', 'changed', 'gone']) await gateway.link('connected', name);
  const links = new Map(upstream.connections.map((connection) => [connection.connect.clientId, connection]));
  await gateway.bridges.pause('gone');
  await waitFor(() => !gateway.spool('gone').started);
  gateway.spool('gone').take(message('f/a', 'kept'));
  upstream.script = { connack: { sessionPresent: true } };
  await gateway.bridges.reconfigure([
    structuredClone(same),
    { ...changed, out: [{ topic: 'g/#', to: 'new/{rest}', qos: 1 }], in: [{ topic: 'new/#', to: 'x/{rest}', qos: 1 }] },
    config({ name: 'added', urls: [upstream.url], out: OUT }),
  ]);
  for (const name of ['same', 'changed', 'added']) await gateway.link('connected', name);
  assert.deepEqual(
    gateway.bridges.bridges().map(({ name }) => name),
    ['same', 'changed', 'added'],
  );
  const of = (clientId: string) => upstream.connections.filter((connection) => connection.connect.clientId === clientId);
  assert.deepEqual(of(same.client_id), [links.get(same.client_id)]);
  assert.equal(of(changed.client_id).length, 2);
  const renewed = of(changed.client_id)[1];
  await waitFor(() => renewed?.of('subscribe').length === 1);
  assert.deepEqual(renewed?.of('unsubscribe')[0]?.filters, ['old/#']);
  gateway.spool('changed').take(message('g/x', '1'));
  await gateway.drained('changed');
  assert.equal(renewed?.publishes[0]?.topic, 'new/x');
  // What waits for the removed one is kept, and nothing more is added to it.
  gateway.spool('gone').take(message('f/a', 'late'));
  assert.deepEqual(
    gateway.bridges.orphans().map(({ name, waiting }) => [name, waiting]),
    [['gone', 1]],
  );
  await gateway.bridges.reconfigure([same, gone]);
  await gateway.drained('gone');
  assert.deepEqual(gateway.bridges.orphans(), []);
});

test('What an orphan keeps can be discarded', async (t) => {
  const gateway = await startBridges(t, [config({ out: OUT })]);
  gateway.spool().take(message('f/a', 'x'));
  await gateway.bridges.reconfigure([]);
  assert.equal(await gateway.bridges.discardOrphan('cloud'), true);
  assert.equal(gateway.spool().discarded, true);
  assert.equal(await gateway.bridges.discardOrphan('cloud'), false);
});

test('A configuration that feeds itself is refused and changes nothing', async (t) => {
  const upstream = await ScriptedUpstream.start(t);
  const good = config({ urls: [upstream.url], out: OUT });
  const gateway = await startBridges(t, [good]);
  await gateway.link('connected');
  const bad = { ...good, in: [{ topic: 'f/#', to: '{topic}', qos: 1 as const }] };
  await assert.rejects(gateway.bridges.reconfigure([bad]), (error) => {
    assert.ok(error instanceof FerruleError);
    assert.deepEqual([error.code, error.where?.subject], ['FER_BRIDGE_CONFIG', 'bridges[0].out[0]']);
    return true;
  });
  gateway.spool().take(message('f/a', 'x'));
  await gateway.drained();
  assert.equal(upstream.connections.length, 1);
});

test('A paused bridge keeps taking messages, and delivers them when it goes on', async (t) => {
  const upstream = await ScriptedUpstream.start(t);
  const gateway = await startBridges(t, [config({ urls: [upstream.url], out: OUT })]);
  await gateway.link('connected');
  assert.equal(await gateway.bridges.pause('cloud'), true);
  assert.equal(gateway.status().link, 'paused');
  await waitFor(() => upstream.last.of('disconnect').length === 1);
  for (const one of sequence(3, ['f/a'])) gateway.spool().take(one);
  assert.equal(gateway.spool().waiting, 3);
  assert.equal(await gateway.bridges.resume('cloud'), true);
  await gateway.drained();
  assert.equal(await gateway.bridges.pause('nobody'), false);
});

test('A pause is remembered over a restart, until somebody resumes the bridge', async (t) => {
  const upstream = await ScriptedUpstream.start(t);
  const configs = [config({ urls: [upstream.url], out: OUT })];
  const gateway = await startBridges(t, configs);
  await gateway.link('connected');
  await gateway.bridges.pause('cloud');
  await gateway.bridges.stop();
  await startBridges(t, configs, undefined, gateway);
  assert.equal(gateway.status().link, 'paused');
  gateway.spool().take(message('f/a', 'x'));
  assert.equal(gateway.spool().started, false);
  await gateway.bridges.resume('cloud');
  await gateway.drained();
  await gateway.bridges.stop();
  await startBridges(t, configs, undefined, gateway);
  await gateway.link('connected');
});

test('The pause of a bridge that leaves the configuration is forgotten, while the gateway runs and while it does not', async (t) => {
  const upstream = await ScriptedUpstream.start(t);
  const configs = ['a', 'b'].map((name) => config({ name, urls: [upstream.url], out: OUT }));
  const gateway = await startBridges(t, configs);
  await gateway.bridges.pause('a');
  await gateway.bridges.pause('b');
  await gateway.bridges.reconfigure([configs[1]!]);
  await gateway.bridges.stop();
  await startBridges(t, [], undefined, gateway);
  assert.deepEqual(await gateway.documents.list('bridge-pauses'), []);
  await gateway.bridges.reconfigure(configs);
  await gateway.link('connected', 'a');
  await gateway.link('connected', 'b');
});

test('A pause that the disk refuses holds all the same, and says so', async (t) => {
  const upstream = await ScriptedUpstream.start(t);
  const gateway = await startBridges(t, [config({ urls: [upstream.url], out: OUT })]);
  await gateway.link('connected');
  gateway.documents.error = new FerruleError('FER_STORE_FULL', 'full');
  await assert.rejects(gateway.bridges.pause('cloud'), { code: 'FER_STORE_FULL' });
  assert.equal(gateway.status().link, 'paused');
});

test('A spool that cannot be opened is told, tried again, and holds up nobody else', async (t) => {
  const upstream = await ScriptedUpstream.start(t);
  const gateway = new Gateway();
  gateway.spoolError = new Error('the store is full');
  await startBridges(t, [config({ urls: [upstream.url], out: OUT })], undefined, gateway);
  assert.match(gateway.status().lastError ?? '', /The spool of bridge cloud could not be opened: the store is full/);
  assert.equal(gateway.status().state, 'degraded');
  gateway.spoolError = null;
  await gateway.link('connected');
  assert.equal(gateway.status().lastError, null);
});

test('A ledger that does not balance is found within a minute and shown', async (t) => {
  const upstream = await ScriptedUpstream.start(t);
  const clock = new ManualClock();
  const gateway = await startBridges(t, [config({ urls: [upstream.url], out: OUT, keep_alive: 3_600_000 })], clock);
  await gateway.link('connected');
  gateway.spool().falsified = 3;
  await clock.advanceAsync(60_000);
  const { ledger, lastError, state } = gateway.status();
  assert.equal(ledger.difference, 3);
  assert.match(lastError ?? '', /does not balance: 3 accepted messages are neither.*\[FER_BRIDGE_LEDGER\]/);
  assert.equal(state, 'degraded');
  assert.equal(gateway.lines.filter(({ level, code }) => level === 50 && code === 'FER_BRIDGE_LEDGER').length, 1);
});

test('Start and stop can be repeated, and a stop leaves no timer and no connection', async (t) => {
  const upstream = await ScriptedUpstream.start(t);
  const clock = new ManualClock();
  const gateway = await startBridges(t, [config({ urls: [upstream.url], out: OUT })], clock);
  await gateway.link('connected');
  await gateway.bridges.stop();
  await gateway.bridges.stop();
  assert.equal(clock.pending, 0);
  assert.equal(gateway.spool().started, false);
  await gateway.bridges.start();
  await gateway.link('connected');
  assert.equal(upstream.connections.length, 2);
});

test('A stop in the middle of an attempt does not wait for its end', async (t) => {
  const upstream = await ScriptedUpstream.start(t, { connack: null });
  const gateway = await startBridges(t, [config({ urls: [upstream.url], connect_timeout: 60_000 })]);
  await upstream.connected(1);
  const start = performance.now();
  await gateway.bridges.stop();
  assert.ok(performance.now() - start < 2000);
});

test('The bridges are what the console needs', async (t) => {
  const upstream = await ScriptedUpstream.start(t);
  const gateway = await startBridges(t, [config({ urls: [upstream.url], out: OUT })]);
  await gateway.link('connected');
  const port: BridgesPort = gateway.bridges;
  const parts: ReturnType<GatewayPort['parts']> = gateway.bridges.parts();
  assert.equal(port.bridges()[0]?.state, 'running');
  assert.deepEqual(
    parts.map(({ name, state, error }) => [name, state, error]),
    [['bridge cloud', 'running', null]],
  );
});
