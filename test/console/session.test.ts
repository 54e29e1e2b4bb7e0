import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_PASSWORD_LENGTH } from '../../src/console/passwords.js';
import { FakePlant, type MemoryDocuments } from './fakes.js';
import { claimedConsole, PASSWORD, shiftedClock, startConsole, Visitor } from './harness.js';

const DAY_MS = 86_400_000;

async function logIn(url: string, username = 'ada', password = PASSWORD): Promise<Visitor> {
  const visitor = new Visitor(url);
  const response = await visitor.request('POST', '/session', { username, password });
  assert.equal(response.status, 201);
  visitor.takeLogin(response, (await response.json()) as { csrf: string });
  return visitor;
}

/** Gives another account the password of the administrator, as the console will once it can create accounts. */
async function addAccount(documents: MemoryDocuments, username: string, role: string): Promise<void> {
  const ada = await documents.get<object>('console.accounts', 'ada');
  await documents.put('console.accounts', username, { ...ada, role });
}

test('a login answers with name, role and token, and its cookie is closed to scripts and other sites', async (t) => {
  const { url } = await claimedConsole(t);
  const response = await new Visitor(url).request('POST', '/session', { username: 'ada', password: PASSWORD });
  assert.equal(response.status, 201);
  const body = (await response.json()) as Record<string, unknown>;
  assert.deepEqual([body.username, body.role, typeof body.csrf], ['ada', 'administrator', 'string']);
  const [cookie] = response.headers.getSetCookie();
  assert.match(cookie ?? '', /^ferrule=[\w-]{43}; Max-Age=\d+; Path=\/; HttpOnly; SameSite=Strict$/);
});

test('a wrong password and an unknown name are answered alike', async (t) => {
  const { url } = await claimedConsole(t);
  const visitor = new Visitor(url);
  const wrong = await visitor.json(401, 'POST', '/session', { username: 'ada', password: 'not the password' });
  const unknown = await visitor.json(401, 'POST', '/session', { username: 'eve', password: 'not the password' });
  assert.deepEqual(wrong, unknown);
});

test('after five failures a name is blocked for its address, longer with each more, and another name is not', async (t) => {
  const clock = shiftedClock();
  const { url } = await claimedConsole(t, { clock });
  const visitor = new Visitor(url);
  const wrong = { username: 'ada', password: 'wrong password' };
  const right = { username: 'ada', password: PASSWORD };
  for (let attempt = 0; attempt < 5; attempt++) await visitor.refused(401, 'POST', '/session', wrong);
  assert.equal(await visitor.refused(429, 'POST', '/session', right), 'FER_CONSOLE_TOO_MANY_ATTEMPTS');
  assert.equal(await visitor.refused(401, 'POST', '/session', { ...wrong, username: 'bob' }), 'FER_CONSOLE_LOGIN_FAILED');
  clock.shift(31_000);
  await visitor.refused(401, 'POST', '/session', wrong);
  clock.shift(31_000);
  await visitor.refused(429, 'POST', '/session', right);
  clock.shift(31_000);
  await logIn(url);
});

test('an unknown name is blocked like a known one', async (t) => {
  const { url } = await claimedConsole(t);
  const visitor = new Visitor(url);
  const wrong = { username: 'nobody', password: 'wrong password' };
  for (let attempt = 0; attempt < 5; attempt++) await visitor.refused(401, 'POST', '/session', wrong);
  assert.equal(await visitor.refused(429, 'POST', '/session', wrong), 'FER_CONSOLE_TOO_MANY_ATTEMPTS');
});

test('guesses at the same time do not slip past the block', async (t) => {
  const { url } = await claimedConsole(t);
  const guess = (index: number) => new Visitor(url).request('POST', '/session', { username: 'ada', password: `guess ${index}` });
  const statuses = (await Promise.all(Array.from({ length: 12 }, (_, index) => guess(index)))).map((response) => response.status);
  assert.equal(statuses.filter((status) => status === 401).length, 5);
  assert.equal(statuses.filter((status) => status === 429).length, 7);
});

test('an endless password is refused before it is hashed', async (t) => {
  const { url } = await claimedConsole(t);
  const body = { username: 'ada', password: 'x'.repeat(MAX_PASSWORD_LENGTH + 1) };
  assert.equal(await new Visitor(url).refused(400, 'POST', '/session', body), 'FER_CONSOLE_INVALID');
});

test('without a login, or with a made-up one, nothing is answered', async (t) => {
  const { url } = await claimedConsole(t);
  const visitor = new Visitor(url);
  assert.equal(await visitor.refused(401, 'GET', '/overview'), 'FER_CONSOLE_LOGIN_REQUIRED');
  visitor.cookie = `ferrule=${'A'.repeat(43)}`;
  assert.equal(await visitor.refused(401, 'GET', '/overview'), 'FER_CONSOLE_LOGIN_REQUIRED');
  assert.equal(await visitor.refused(401, 'GET', '/stream?views=overview'), 'FER_CONSOLE_LOGIN_REQUIRED');
});

test('a changing request without the token of its login is refused and changes nothing', async (t) => {
  const { admin, plant, url } = await claimedConsole(t);
  const other = await logIn(url);
  for (const csrf of ['', 'x', other.csrf]) {
    const visitor = new Visitor(url);
    visitor.cookie = admin.cookie;
    visitor.csrf = csrf;
    assert.equal(await visitor.refused(403, 'POST', '/topics/publish', { topic: 'a', payload: '1' }), 'FER_CONSOLE_CSRF');
    assert.equal(await visitor.refused(403, 'DELETE', '/session'), 'FER_CONSOLE_CSRF');
  }
  assert.equal(plant.messaging.published.length, 0);
});

test('a changing request from a page of another origin is refused, also with the token', async (t) => {
  const { admin, url } = await claimedConsole(t);
  const body = { topic: 'a', payload: '1' };
  for (const headers of [
    { origin: 'http://evil.example' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
  ]) {
    assert.equal(await admin.refused(403, 'POST', '/topics/publish', body, headers as Record<string, string>), 'FER_CONSOLE_CSRF');
  }
  await admin.json(204, 'POST', '/topics/publish', body, { origin: url, 'sec-fetch-site': 'same-origin' });
});

test('a login from a page of another origin is refused', async (t) => {
  const { url } = await claimedConsole(t);
  const body = { username: 'ada', password: PASSWORD };
  assert.equal(await new Visitor(url).refused(403, 'POST', '/session', body, { origin: 'http://evil.example' }), 'FER_CONSOLE_CSRF');
});

test('every role may do what is its own and nothing above', async (t) => {
  const first = await claimedConsole(t);
  await addAccount(first.plant.documents, 'vera', 'viewer');
  await addAccount(first.plant.documents, 'otto', 'operator');
  await first.console.stop();
  const { url } = await startConsole(t, {}, first.plant);
  const users = { viewer: await logIn(url, 'vera'), operator: await logIn(url, 'otto'), administrator: await logIn(url) };
  const ranks = ['viewer', 'operator', 'administrator'] as const;
  const requests: [(typeof ranks)[number], string, string, unknown?][] = [
    ['viewer', 'GET', '/overview'],
    ['viewer', 'GET', '/devices'],
    ['viewer', 'GET', '/devices/meter1'],
    ['viewer', 'GET', '/devices/meter1/tags/voltage/trend'],
    ['viewer', 'GET', '/buses'],
    ['viewer', 'GET', '/buses/line1/units'],
    ['viewer', 'GET', '/devices/meter1/plan'],
    ['viewer', 'GET', '/scans'],
    ['operator', 'GET', '/serial-ports'],
    ['viewer', 'GET', '/modbus-servers'],
    ['operator', 'GET', '/buses/line1/registers?unit=1&area=holding&address=0'],
    ['administrator', 'POST', '/buses/line1/registers', { unit: 1, area: 'holding', address: 0, value: 1 }],
    ['operator', 'POST', '/buses/scale_port/send', { hex: '00' }],
    ['operator', 'POST', '/scans', { where: { kind: 'bus', bus: 'line1' }, units: [1] }],
    ['operator', 'DELETE', '/scans/scan-1'],
    ['administrator', 'POST', '/scans', { where: { kind: 'bus', bus: 'line1', suspend: true }, units: [1] }],
    ['administrator', 'POST', '/scans', { where: { kind: 'host', host: '192.0.2.1', port: 502, framing: 'tcp' }, units: [1] }],
    [
      'administrator',
      'POST',
      '/scans',
      { where: { kind: 'line', port: '/dev/ttyS9', line: { baud: [9600], parity: ['none'] } }, units: [1] },
    ],
    ['viewer', 'GET', '/devices/meter1/tag-list'],
    ['administrator', 'POST', '/devices/meter1/tag-list/preview', { csv: '' }],
    ['administrator', 'PUT', '/devices/meter1/tag-list', { csv: '' }],
    ['viewer', 'GET', '/profiles'],
    ['viewer', 'GET', '/profiles/eastron-sdm630'],
    ['operator', 'POST', '/identify', { where: { kind: 'bus', bus: 'hall' }, unit: 1 }],
    ['administrator', 'POST', '/identify', { where: { kind: 'host', host: '192.0.2.1', port: 502, framing: 'tcp' }, unit: 1 }],
    ['operator', 'POST', '/sunspec', { where: { kind: 'bus', bus: 'hall' }, unit: 2 }],
    ['administrator', 'POST', '/sunspec', { where: { kind: 'host', host: '192.0.2.1', port: 502, framing: 'tcp' }, unit: 2 }],
    ['administrator', 'POST', '/devices/preview', { name: 'a', bus: 'hall', unit: 1, tags: { kind: 'list', csv: '' } }],
    ['administrator', 'POST', '/devices', { name: 'a', bus: 'hall', unit: 1, tags: { kind: 'list', csv: '' } }],
    ['administrator', 'POST', '/instruments/preview', { name: 'a', bus: 'b', settings: 'decode: {type: raw}' }],
    ['administrator', 'POST', '/instruments', { name: 'a', bus: 'b', settings: 'decode: {type: raw}' }],
    ['administrator', 'GET', '/devices/meter1/removal'],
    ['administrator', 'DELETE', '/devices/meter1?bus=true'],
    ['administrator', 'GET', '/buses/hall/removal'],
    ['viewer', 'GET', '/topics'],
    ['viewer', 'GET', '/clients'],
    ['viewer', 'GET', '/bridges'],
    ['viewer', 'GET', '/rules'],
    ['viewer', 'GET', '/storage'],
    ['operator', 'PUT', '/devices/meter1/tags/setpoint', { value: 1 }],
    ['operator', 'POST', '/topics/publish', { topic: 'a', payload: '' }],
    ['administrator', 'DELETE', '/clients/panel'],
    ['administrator', 'DELETE', '/sessions/panel'],
    ['administrator', 'POST', '/bridges/cloud/pause'],
    ['administrator', 'POST', '/bridges/cloud/resume'],
    ['administrator', 'GET', '/bans'],
    ['administrator', 'POST', '/bans', { kind: 'client', value: 'x' }],
    ['viewer', 'GET', '/redirect'],
    ['administrator', 'PUT', '/redirect', { server: 'other' }],
    ['administrator', 'DELETE', '/redirect'],
    ['administrator', 'GET', '/mqtt-users'],
    ['administrator', 'PUT', '/mqtt-users/a', { password: 'b' }],
    ['administrator', 'DELETE', '/mqtt-users/a'],
  ];
  for (const [needed, method, path, body] of requests) {
    for (const role of ranks) {
      const response = await users[role].request(method, path, body);
      const allowed = ranks.indexOf(role) >= ranks.indexOf(needed);
      assert.equal(response.status === 403, !allowed, `${role}: ${method} ${path} answered ${response.status}`);
      if (allowed) assert.ok(response.status < 300, `${role}: ${method} ${path} answered ${response.status}: ${await response.text()}`);
    }
  }
});

test('after the logout the old cookie opens nothing', async (t) => {
  const { admin } = await claimedConsole(t);
  await admin.json(204, 'DELETE', '/session');
  assert.equal(await admin.refused(401, 'GET', '/overview'), 'FER_CONSOLE_LOGIN_REQUIRED');
});

test('a login ends after a day of silence', async (t) => {
  const clock = shiftedClock();
  const { admin } = await claimedConsole(t, { clock });
  clock.shift(0.9 * DAY_MS);
  await admin.json(200, 'GET', '/session');
  clock.shift(0.9 * DAY_MS);
  await admin.json(200, 'GET', '/session');
  clock.shift(1.1 * DAY_MS);
  assert.equal(await admin.refused(401, 'GET', '/session'), 'FER_CONSOLE_LOGIN_REQUIRED');
});

test('a login ends after thirty days however busy it is', async (t) => {
  const clock = shiftedClock();
  const { admin } = await claimedConsole(t, { clock });
  for (let day = 0; day < 33; day++) {
    clock.shift(0.9 * DAY_MS);
    await admin.json(200, 'GET', '/session');
  }
  clock.shift(0.9 * DAY_MS);
  assert.equal(await admin.refused(401, 'GET', '/session'), 'FER_CONSOLE_LOGIN_REQUIRED');
});

test('logins survive a restart, those that are over are deleted at it', async (t) => {
  const clock = shiftedClock();
  const plant = new FakePlant();
  const first = await claimedConsole(t, { clock }, plant);
  await first.console.stop();
  const second = await startConsole(t, { clock }, plant);
  const returning = new Visitor(second.url);
  returning.cookie = first.admin.cookie;
  await returning.json(200, 'GET', '/session');
  await second.console.stop();
  clock.shift(2 * DAY_MS);
  await startConsole(t, { clock }, plant);
  assert.equal((await plant.documents.list('console.logins')).length, 0);
});

test('of an account at most twenty logins are kept', async (t) => {
  const clock = shiftedClock();
  const { admin, plant, url } = await claimedConsole(t, { clock });
  for (let login = 0; login < 20; login++) {
    clock.shift(1000);
    await logIn(url);
  }
  assert.equal(await admin.refused(401, 'GET', '/session'), 'FER_CONSOLE_LOGIN_REQUIRED');
  assert.equal((await plant.documents.list('console.logins')).length, 20);
});
