import assert from 'node:assert/strict';
import { connect, createServer } from 'node:net';
import { test } from 'node:test';
import { FerruleError } from '../../src/errors.js';
import { FakePlant } from './fakes.js';
import { claimedConsole, startConsole, Visitor } from './harness.js';

test('a port in use is named, with what to do', async (t) => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  t.after(() => other.close());
  const address = other.address();
  assert.ok(address !== null && typeof address === 'object');
  await assert.rejects(startConsole(t, { settings: { host: '127.0.0.1', port: address.port, tls: 'off' } }), (error: unknown) => {
    assert.ok(error instanceof FerruleError);
    assert.equal(error.code, 'FER_CONSOLE_PORT_IN_USE');
    assert.ok(error.message.includes(String(address.port)) && error.hint?.includes('console.port'), error.toLine());
    assert.match(error.toLine(), /^Port \d+ of the web console is in use/, 'what it is about is said once');
    return true;
  });
});

test('an address that this machine does not have is refused with what to do', async (t) => {
  await assert.rejects(startConsole(t, { settings: { host: '192.0.2.77', port: 0, tls: 'off' } }), (error: unknown) => {
    assert.ok(error instanceof FerruleError && error.code === 'FER_CONSOLE_LISTEN');
    assert.ok(error.hint?.includes('console.host'));
    return true;
  });
});

test('start and stop can be repeated and called twice', async (t) => {
  const { console } = await startConsole(t);
  await Promise.all([console.start(), console.start()]);
  assert.notEqual(console.address(), null);
  await Promise.all([console.stop(), console.stop()]);
  assert.equal(console.address(), null);
  assert.equal(console.url(), null);
  await console.start();
  assert.equal((await fetch(`${console.url()}/healthz`)).status, 200);
});

test('a start that failed can be tried again', async (t) => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const address = other.address();
  assert.ok(address !== null && typeof address === 'object');
  const { console } = await startConsole(t);
  await console.stop();
  const settings = { host: '127.0.0.1', port: address.port, tls: 'off' as const };
  const second = await startConsole(t, { settings }).catch((error: unknown) => error);
  assert.ok(second instanceof FerruleError);
  await new Promise((resolve) => other.close(resolve));
  const third = await startConsole(t, { settings });
  assert.equal(third.console.address()?.port, address.port);
});

test('a request that is being answered is answered before the stop', async (t) => {
  const plant = new FakePlant();
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let asked = () => {};
  const arrived = new Promise<void>((resolve) => {
    asked = resolve;
  });
  plant.mqttUsers.list = async () => {
    asked();
    await held;
    return [];
  };
  const { admin, console } = await claimedConsole(t, {}, plant);
  const answer = admin.json(200, 'GET', '/mqtt-users');
  await arrived;
  const stopped = console.stop();
  setTimeout(release, 100);
  assert.deepEqual(await answer, { users: [] });
  await stopped;
});

test('a request that never ends does not hold up the stop', async (t) => {
  const plant = new FakePlant();
  let asked = () => {};
  const arrived = new Promise<void>((resolve) => {
    asked = resolve;
  });
  plant.mqttUsers.list = () => {
    asked();
    return new Promise(() => {});
  };
  const { admin, console } = await claimedConsole(t, {}, plant);
  const answer = admin.request('GET', '/mqtt-users').catch(() => null);
  await arrived;
  const before = performance.now();
  await console.stop();
  assert.ok(performance.now() - before < 2500);
  assert.equal(await answer, null);
});

test('stop does not wait for connections that never spoke', async (t) => {
  const { url, console } = await startConsole(t);
  const silent = connect(Number(new URL(url).port), '127.0.0.1');
  silent.on('error', () => {});
  t.after(() => silent.destroy());
  await new Promise((resolve) => silent.once('connect', resolve));
  const before = performance.now();
  await console.stop();
  assert.ok(performance.now() - before < 900);
});

test('ready while the store and a listener work, with the reasons where not', async (t) => {
  const { url, plant } = await startConsole(t);
  assert.equal((await fetch(`${url}/readyz`)).status, 200);
  const [store, listener] = plant.parts;
  assert.ok(store !== undefined && listener !== undefined);
  store.state = 'degraded';
  assert.equal((await fetch(`${url}/readyz`)).status, 200);
  store.state = 'stopped';
  // It could not be opened.
  listener.state = 'degraded';
  listener.error = { code: 'FER_X', message: 'port 1883 is in use' };
  const response = await fetch(`${url}/readyz`);
  assert.equal(response.status, 503);
  assert.deepEqual(await response.json(), { status: 'failing', reasons: ['store: stopped', 'listener tcp:1883: port 1883 is in use'] });
});

test('alive while the event loop turns', async (t) => {
  const plant = new FakePlant();
  let delay = 20;
  plant.metrics = { metricsText: async () => '', eventLoopDelayMs: () => delay };
  const { url } = await startConsole(t, {}, plant);
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
  delay = 6000;
  const response = await fetch(`${url}/healthz`);
  assert.equal(response.status, 503);
  assert.deepEqual(await response.json(), { status: 'failing', reasons: ['the event loop is held up for 6000 ms'] });
});

test('metrics are text for Prometheus without a login, once the gateway is claimed', async (t) => {
  const { url, code } = await startConsole(t);
  assert.equal((await fetch(`${url}/metrics`)).status, 403);
  await new Visitor(url).claim(code);
  const response = await fetch(`${url}/metrics`);
  assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  assert.equal(await response.text(), 'ferrule_up 1\n');
});

test('metrics that are switched off are not there', async (t) => {
  const plant = new FakePlant();
  plant.metrics = null;
  const { url } = await claimedConsole(t, {}, plant);
  assert.equal((await fetch(`${url}/metrics`)).status, 404);
});
