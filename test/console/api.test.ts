import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { MODBUS_PROXIES, MODBUS_SERVERS } from '../support/memory-modbus-servers.js';
import { client } from './fakes.js';
import { claimedConsole, PASSWORD, startConsole, Visitor } from './harness.js';

/** What every test of reading routes compares: the answer to a GET. */
async function get(admin: Visitor, path: string): Promise<Record<string, unknown>> {
  return await admin.json(200, 'GET', path);
}

test('the overview sums up field, rules and bridges', async (t) => {
  const { admin } = await claimedConsole(t);
  const overview = await get(admin, '/overview');
  assert.deepEqual(overview.field, {
    devices: { online: 1, degraded: 0, offline: 0, unknown: 0 },
    tags: { good: 2, stale: 0, bad: 0, uncertain: 0 },
    buses: [{ name: 'hall', type: 'modbus_tcp', endpoint: '192.0.2.9:502', state: 'running', lastError: null, queued: 0 }],
  });
  assert.deepEqual(overview.rules, { running: 1, error: 0, fired: 2, failed: 0 });
  const [cloud] = overview.bridges as Record<string, unknown>[];
  assert.equal(cloud?.waiting, 2);
  assert.equal(cloud?.oldestAgeMs, 700);
  assert.equal((overview.parts as object[]).length, 2);
});

test('devices are listed without tags but with their qualities counted', async (t) => {
  const { admin } = await claimedConsole(t);
  const [meter] = (await get(admin, '/devices')).devices as Record<string, unknown>[];
  assert.deepEqual(meter?.tagCounts, { good: 2, stale: 0, bad: 0, uncertain: 0 });
  assert.equal(meter?.tags, undefined);
});

test('a device comes with all that is known of its tags, unchanged on the way', async (t) => {
  const { admin, plant } = await claimedConsole(t);
  plant.setTag('meter1', 'setpoint', null);
  assert.deepEqual(await get(admin, '/devices/meter1'), JSON.parse(JSON.stringify(plant.devices[0])));
});

test('tag values keep their type: text of digits, true, null and large numbers', async (t) => {
  const { admin, plant } = await claimedConsole(t);
  for (const value of ['12', true, null, 1.5e300, -0.25, '']) {
    plant.setTag('meter1', 'voltage', value);
    const device = await admin.json<{ tags: { value: unknown }[] }>(200, 'GET', '/devices/meter1');
    assert.equal(device.tags[0]?.value, value);
  }
});

test('what does not exist is 404 with what was asked for', async (t) => {
  const { admin } = await claimedConsole(t);
  for (const path of ['/devices/none', '/devices/none/tags/x/trend', '/devices/meter1/tags/none/trend', '/nothing', '/']) {
    assert.equal(await admin.refused(404, 'GET', path), 'FER_CONSOLE_NOT_FOUND', path);
  }
  assert.equal(await admin.refused(404, 'DELETE', '/clients/none'), 'FER_CONSOLE_NOT_FOUND');
  assert.equal(await admin.refused(404, 'DELETE', '/sessions/none'), 'FER_CONSOLE_NOT_FOUND');
  assert.equal(await admin.refused(404, 'POST', '/bridges/none/pause'), 'FER_CONSOLE_NOT_FOUND');
  assert.equal(await admin.refused(404, 'DELETE', '/mqtt-users/none'), 'FER_CONSOLE_NOT_FOUND');
});

test('a trend is asked of the field with from, to and points', async (t) => {
  const { admin } = await claimedConsole(t);
  assert.deepEqual(await get(admin, '/devices/meter1/tags/voltage/trend?from=1000&to=2000&points=7'), {
    from: 1000,
    to: 2000,
    points: [
      { ts: 1000, value: 1, quality: 'good' },
      { ts: 2000, value: 7, quality: 'good' },
    ],
  });
});

test('a trend without times covers the last fifteen minutes', async (t) => {
  const { admin } = await claimedConsole(t);
  const { from, to } = await get(admin, '/devices/meter1/tags/voltage/trend');
  assert.equal(Number(to) - Number(from), 15 * 60_000);
  assert.ok(Math.abs(Number(to) - Date.now()) < 60_000);
});

test('a written value is what the device answered', async (t) => {
  const { admin } = await claimedConsole(t);
  assert.deepEqual(await admin.json(200, 'PUT', '/devices/meter1/tags/setpoint', { value: 42.5 }), { value: 42.5 });
  assert.deepEqual(await admin.json(200, 'PUT', '/devices/meter1/tags/setpoint', { value: '7' }), { value: '7' });
});

test('an error of another part arrives with its code, its words and its hint', async (t) => {
  const { admin } = await claimedConsole(t);
  assert.deepEqual(await admin.json(503, 'PUT', '/devices/meter1/tags/setpoint', { value: 99 }), {
    error: { code: 'FER_STOPPED', message: 'The bus is stopped.', hint: 'Start it.', where: { subject: 'meter1/setpoint' } },
  });
});

test('a fault of the program is 500 and does not show its insides', async (t) => {
  const { admin, plant } = await claimedConsole(t);
  plant.mqttUsers.list = () => Promise.reject(new Error('secret detail'));
  const response = await admin.request('GET', '/mqtt-users');
  const text = await response.text();
  assert.equal(response.status, 500);
  assert.ok(text.includes('FER_INTERNAL') && !text.includes('secret detail'), text);
});

test('buses, clients, bridges, rules and storage are what the parts say', async (t) => {
  const { admin, plant } = await claimedConsole(t);
  assert.equal(((await get(admin, '/buses')).buses as object[]).length, 1);
  assert.deepEqual(await get(admin, '/modbus-servers'), { servers: MODBUS_SERVERS, proxies: MODBUS_PROXIES });
  assert.deepEqual(await get(admin, '/clients'), { clients: plant.clients, total: 1 });
  assert.deepEqual(await get(admin, '/bridges'), { bridges: plant.bridges });
  assert.deepEqual(await get(admin, '/rules'), { rules: plant.rules });
  assert.equal((await get(admin, '/storage')).databaseBytes, 4096);
});

test('one client has its details, and whoever is not there is not found', async (t) => {
  const { admin, plant } = await claimedConsole(t);
  assert.deepEqual(await get(admin, '/clients/panel'), plant.ports().broker.client('panel'));
  assert.equal(await admin.refused(404, 'GET', '/clients/nobody'), 'FER_CONSOLE_NOT_FOUND');
  const strange = client('a/b c#');
  plant.clients.push(strange);
  assert.equal((await get(admin, `/clients/${encodeURIComponent('a/b c#')}`)).clientId, 'a/b c#');
});

test('clients can be searched by client id', async (t) => {
  const { admin } = await claimedConsole(t);
  assert.equal((await get(admin, '/clients?search=pan')).total, 1);
  assert.equal((await get(admin, '/clients?search=zzz')).total, 0);
});

test('bans are set with who, why and how long, listed, and lifted', async (t) => {
  const { admin, plant } = await claimedConsole(t);
  const before = Date.now();
  await admin.json(200, 'POST', '/bans', { kind: 'address', value: '192.0.2.0/24', reason: ' scans ', seconds: 60 });
  const forEver = await admin.json(200, 'POST', '/bans', { kind: 'client', value: 'panel' });
  assert.deepEqual([forEver.reason, forEver.expiresAt], [null, null]);
  const [, first] = plant.bans;
  assert.deepEqual([first?.kind, first?.value, first?.reason, first?.by], ['address', '192.0.2.0/24', 'scans', 'ada']);
  assert.ok(first!.expiresAt! >= before + 60_000 && first!.expiresAt! <= Date.now() + 60_000);
  const { bans } = await get(admin, '/bans');
  assert.deepEqual(bans, plant.bans);
  await admin.json(204, 'DELETE', `/bans/${first!.id}`);
  assert.equal(await admin.refused(404, 'DELETE', '/bans/none'), 'FER_CONSOLE_NOT_FOUND');
  assert.equal(await admin.refused(400, 'POST', '/bans', { kind: 'planet', value: 'x' }), 'FER_CONSOLE_INVALID');
});

test('clients are sent to another server, and served again', async (t) => {
  const { admin, plant } = await claimedConsole(t);
  assert.deepEqual(await admin.json(200, 'GET', '/redirect'), { redirect: null });
  await admin.json(204, 'PUT', '/redirect', { server: 'other:1883', allow: ['panel-*'] });
  assert.deepEqual(plant.redirect, { server: 'other:1883', permanent: false, allow: ['panel-*'], source: 'api' });
  assert.deepEqual(await admin.json(200, 'GET', '/redirect'), { redirect: plant.redirect });
  await admin.json(204, 'DELETE', '/redirect');
  assert.equal(plant.redirect, null);
  assert.equal(await admin.refused(400, 'PUT', '/redirect', { permanent: true }), 'FER_CONSOLE_INVALID');
});

test('sessions are discarded, clients disconnected, bridges paused and resumed', async (t) => {
  const { admin, plant } = await claimedConsole(t);
  await admin.json(204, 'DELETE', '/clients/panel');
  await admin.json(204, 'DELETE', '/sessions/panel');
  assert.deepEqual(plant.discarded, ['panel']);
  await admin.json(204, 'POST', '/bridges/cloud/pause');
  assert.ok(plant.paused.has('cloud'));
  await admin.json(204, 'POST', '/bridges/cloud/resume');
  assert.ok(!plant.paused.has('cloud'));
});

test('a tag list is read by viewers and replaced by administrators, in any size that a list has', async (t) => {
  const { admin, plant, url } = await claimedConsole(t);
  assert.deepEqual(await get(admin, '/devices/meter1/tag-list'), { file: 'meter1.csv', csv: plant.tagLists.csv });
  const csv = `name,address,description\n${`v,40001,${'x'.repeat(90)}\n`.repeat(20_000)}`;
  assert.deepEqual(await admin.json(200, 'PUT', '/devices/meter1/tag-list', { csv }), { tags: 20_001 });
  assert.equal(plant.tagLists.csv, csv);
  const { error } = await admin.json<{ error: { where: object } }>(422, 'PUT', '/devices/meter1/tag-list', { csv: 'wrong' });
  assert.deepEqual(error.where, { file: '/etc/ferrule/meter1.csv', line: 2, column: 1, subject: 'row 2, column type' });
  assert.equal(await admin.refused(404, 'PUT', '/devices/none/tag-list', { csv: '' }), 'FER_CONSOLE_NOT_FOUND');
  assert.equal(await admin.refused(404, 'GET', '/devices/none/tag-list'), 'FER_CONSOLE_NOT_FOUND');
  assert.equal(await new Visitor(url).refused(401, 'GET', '/devices/meter1/tag-list'), 'FER_CONSOLE_LOGIN_REQUIRED');
  assert.equal(await new Visitor(url).refused(401, 'PUT', '/devices/meter1/tag-list', { csv: '' }), 'FER_CONSOLE_LOGIN_REQUIRED');
});

test('MQTT users are created, listed without password and deleted', async (t) => {
  const { admin, plant } = await claimedConsole(t);
  await admin.json(204, 'PUT', '/mqtt-users/sensor-1', { password: 'pw' });
  assert.equal(plant.mqttUsers.users.get('sensor-1'), 'pw');
  assert.deepEqual(await get(admin, '/mqtt-users'), { users: [{ name: 'sensor-1', createdAt: 1 }] });
  await admin.json(204, 'DELETE', '/mqtt-users/sensor-1');
  assert.equal(plant.mqttUsers.users.size, 0);
});

test('a message is published as text or as base64', async (t) => {
  const { admin, plant } = await claimedConsole(t);
  await admin.json(204, 'POST', '/topics/publish', { topic: 'cmd/a', payload: 'grün', qos: 1, retain: true });
  await admin.json(204, 'POST', '/topics/publish', { topic: 'cmd/b', payload: '/wA=', encoding: 'base64' });
  assert.deepEqual(plant.messaging.published, [
    { topic: 'cmd/a', payload: Buffer.from('grün'), qos: 1, retain: true, properties: null },
    { topic: 'cmd/b', payload: Buffer.from([0xff, 0]), qos: 0, retain: false, properties: null },
  ]);
});

test('wrong requests are refused with the place that is wrong', async (t) => {
  const { admin } = await claimedConsole(t);
  const wrong: [string, string, unknown, string][] = [
    ['POST', '/topics/publish', { topic: 'a/#', payload: '' }, 'body/topic'],
    ['POST', '/topics/publish', { topic: 'a', payload: '', qos: 3 }, 'body/qos'],
    ['POST', '/topics/publish', { topic: 'a', payload: '', qos: '1' }, 'body/qos'],
    ['POST', '/topics/publish', { topic: 'a', payload: 'x', encoding: 'base64' }, 'body/payload'],
    ['POST', '/topics/publish', { topic: 'a', payload: '', retained: true }, 'body/retained'],
    ['PUT', '/devices/meter1/tags/setpoint', { value: { a: 1 } }, 'body/value'],
    ['GET', '/topics?limit=0', undefined, 'querystring/limit'],
    ['GET', '/topics?filter=a/%23/b', undefined, 'querystring/filter'],
    ['GET', '/devices/meter1/tags/voltage/trend?points=x', undefined, 'querystring/points'],
    ['GET', '/stream?views=everything', undefined, 'querystring/views'],
  ];
  for (const [method, path, body, subject] of wrong) {
    const { error } = await admin.json<{ error: { code: string; where: { subject: string } } }>(400, method, path, body);
    assert.equal(error.code, 'FER_CONSOLE_INVALID', path);
    assert.equal(error.where.subject, subject);
  }
});

test('a body that is not JSON is 400, of another type 415, too large 413', async (t) => {
  const { admin } = await claimedConsole(t);
  assert.equal(await admin.refused(400, 'POST', '/topics/publish', '{"topic":'), 'FER_CONSOLE_INVALID');
  const xml = { 'content-type': 'application/xml' };
  assert.equal(await admin.refused(415, 'POST', '/topics/publish', '<a/>', xml), 'FER_CONSOLE_MEDIA_TYPE');
  const large = { topic: 'a', payload: 'x'.repeat(1024 * 1024) };
  assert.equal(await admin.refused(413, 'POST', '/topics/publish', large), 'FER_CONSOLE_TOO_LARGE');
});

test('an unknown address of the API is 404 in JSON for every method and without a login', async (t) => {
  const { url } = await startConsole(t);
  for (const method of ['GET', 'POST', 'PUT', 'DELETE']) {
    for (const path of ['/api/v1/none', '/api/v2/overview', '/api']) {
      const response = await fetch(`${url}${path}`, { method });
      assert.equal(response.status, 404, `${method} ${path}`);
      assert.equal(((await response.json()) as { error: { code: string } }).error.code, 'FER_CONSOLE_NOT_FOUND');
    }
  }
});

test('repeated wrong requests of one address are slowed down', async (t) => {
  const { url, admin } = await claimedConsole(t);
  const statuses = new Set<number>();
  for (let request = 0; request < 35; request++) {
    statuses.add((await new Visitor(url).request('POST', '/session', { username: `nobody${request}` })).status);
  }
  assert.deepEqual([...statuses], [400, 429]);
  assert.equal(await admin.refused(429, 'POST', '/session', { username: 'ada', password: PASSWORD }), 'FER_CONSOLE_TOO_MANY_REQUESTS');
});

test('the OpenAPI document has every route, each with the schema of its answers', async (t) => {
  const { url } = await startConsole(t);
  type Operation = {
    operationId?: string;
    summary?: string;
    responses: Record<string, { description?: string; content?: Record<string, { schema?: object }> }>;
  };
  const document = await new Visitor(url).json<{
    openapi: string;
    paths: Record<string, Record<string, Operation>>;
    components: { schemas: object };
  }>(200, 'GET', '/openapi.json');
  assert.match(document.openapi, /^3\.1\./);
  const found = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const expected = [
    'GET /api/v1/setup',
    'POST /api/v1/setup/claim',
    'POST /api/v1/session',
    'GET /api/v1/session',
    'DELETE /api/v1/session',
    'GET /api/v1/overview',
    'GET /api/v1/devices',
    'GET /api/v1/devices/{name}',
    'GET /api/v1/devices/{name}/tags/{tag}/trend',
    'PUT /api/v1/devices/{name}/tags/{tag}',
    'GET /api/v1/devices/{name}/tag-list',
    'PUT /api/v1/devices/{name}/tag-list',
    'POST /api/v1/devices/{name}/tag-list/preview',
    'GET /api/v1/profiles',
    'GET /api/v1/profiles/{name}',
    'POST /api/v1/identify',
    'POST /api/v1/sunspec',
    'POST /api/v1/devices/preview',
    'POST /api/v1/devices',
    'POST /api/v1/instruments/preview',
    'POST /api/v1/instruments',
    'GET /api/v1/devices/{name}/removal',
    'DELETE /api/v1/devices/{name}',
    'GET /api/v1/buses/{name}/removal',
    'DELETE /api/v1/buses/{name}',
    'GET /api/v1/buses',
    'GET /api/v1/buses/{name}/frames',
    'GET /api/v1/buses/{name}/units',
    'GET /api/v1/buses/{name}/registers',
    'POST /api/v1/buses/{name}/registers',
    'POST /api/v1/buses/{name}/send',
    'GET /api/v1/devices/{name}/plan',
    'GET /api/v1/serial-ports',
    'GET /api/v1/scans',
    'GET /api/v1/modbus-servers',
    'GET /api/v1/scans/{id}',
    'POST /api/v1/scans',
    'DELETE /api/v1/scans/{id}',
    'GET /api/v1/topics',
    'POST /api/v1/topics/publish',
    'GET /api/v1/clients',
    'GET /api/v1/clients/{id}',
    'DELETE /api/v1/clients/{id}',
    'DELETE /api/v1/sessions/{id}',
    'GET /api/v1/bridges',
    'POST /api/v1/bridges/{name}/pause',
    'POST /api/v1/bridges/{name}/resume',
    'GET /api/v1/rules',
    'GET /api/v1/storage',
    'GET /api/v1/mqtt-users',
    'PUT /api/v1/mqtt-users/{name}',
    'DELETE /api/v1/mqtt-users/{name}',
    'GET /api/v1/stream',
    'GET /api/v1/trace',
    'GET /api/v1/bans',
    'POST /api/v1/bans',
    'DELETE /api/v1/bans/{id}',
    'GET /api/v1/redirect',
    'PUT /api/v1/redirect',
    'DELETE /api/v1/redirect',
    'GET /api/v1/openapi.json',
    'GET /healthz',
    'GET /readyz',
    'GET /metrics',
  ];
  assert.deepEqual(new Set(found), new Set(expected));
  const ajv = new Ajv2020({ strict: false });
  ajv.addSchema({ $id: 'document', ...document });
  const operationIds = new Set<string>();
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const name = `${method} ${path}`;
      assert.ok(operation.operationId !== undefined && operation.summary !== undefined, name);
      operationIds.add(operation.operationId);
      const good = Object.keys(operation.responses).filter((status) => status.startsWith('2'));
      assert.equal(good.length, 1, name);
      for (const [status, answer] of Object.entries(operation.responses)) {
        const schema = Object.values(answer.content ?? {})[0]?.schema;
        assert.ok(status === '204' || schema !== undefined, `${name} ${status}`);
        if (schema !== undefined) ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"document#/')) as object);
      }
    }
  }
  assert.equal(operationIds.size, expected.length);
});
