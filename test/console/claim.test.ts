import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PASSWORD, shiftedClock, startConsole, Visitor } from './harness.js';

const WRONG = 'AAAA-AAAA-AAAA-AAAA';

test('a fresh gateway says that it is not claimed, and who it is', async (t) => {
  const { url } = await startConsole(t);
  const setup = await new Visitor(url).json<{ claimed: boolean; gateway: object }>(200, 'GET', '/setup');
  assert.equal(setup.claimed, false);
  assert.deepEqual(setup.gateway, { id: 'gw', name: 'Press hall', version: '0.1.0', demo: false });
});

test('the setup code has four groups of four without look-alikes', async (t) => {
  const { code } = await startConsole(t);
  assert.match(code ?? '', /^[A-HJKMNP-TW-Z2-9]{4}(-[A-HJKMNP-TW-Z2-9]{4}){3}$/);
});

test('an unclaimed gateway answers nothing but the setup', async (t) => {
  const { url } = await startConsole(t);
  const visitor = new Visitor(url);
  for (const path of ['/session', '/overview', '/devices', '/topics', '/clients', '/bridges', '/mqtt-users', '/stream?views=overview']) {
    assert.equal(await visitor.refused(403, 'GET', path), 'FER_CONSOLE_UNCLAIMED', path);
  }
  assert.equal(await visitor.refused(403, 'POST', '/session', { username: 'ada', password: PASSWORD }), 'FER_CONSOLE_UNCLAIMED');
  assert.equal((await fetch(`${url}/metrics`)).status, 403);
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
  assert.equal((await fetch(`${url}/readyz`)).status, 200);
});

test('the right code names the administrator and logs in at once', async (t) => {
  const { url, code } = await startConsole(t);
  const visitor = new Visitor(url);
  await visitor.claim(code);
  const session = await visitor.json(200, 'GET', '/session');
  assert.equal(session.username, 'ada');
  assert.equal(session.role, 'administrator');
  assert.equal((await visitor.json(200, 'GET', '/setup')).claimed, true);
});

test('case, spaces and dashes of the code do not matter', async (t) => {
  const { url, code } = await startConsole(t);
  await new Visitor(url).claim(` ${(code ?? '').toLowerCase().replaceAll('-', ' ')} `);
});

test('a wrong code is refused and claims nothing', async (t) => {
  const { url } = await startConsole(t);
  const visitor = new Visitor(url);
  const claim = { code: WRONG, username: 'eve', password: PASSWORD };
  assert.equal(await visitor.refused(403, 'POST', '/setup/claim', claim), 'FER_CONSOLE_SETUP_CODE');
  assert.equal((await visitor.json(200, 'GET', '/setup')).claimed, false);
});

test('after five wrong codes even the right one has to wait, and then works', async (t) => {
  const clock = shiftedClock();
  const { url, code } = await startConsole(t, { clock });
  const visitor = new Visitor(url);
  const claim = { code: WRONG, username: 'ada', password: PASSWORD };
  for (let attempt = 0; attempt < 5; attempt++) await visitor.refused(403, 'POST', '/setup/claim', claim);
  assert.equal(await visitor.refused(429, 'POST', '/setup/claim', { ...claim, code }), 'FER_CONSOLE_TOO_MANY_ATTEMPTS');
  clock.shift(31_000);
  await visitor.claim(code);
});

test('a claimed gateway cannot be claimed again', async (t) => {
  const { url, code } = await startConsole(t);
  await new Visitor(url).claim(code);
  const again = { code, username: 'eve', password: PASSWORD };
  assert.equal(await new Visitor(url).refused(409, 'POST', '/setup/claim', again), 'FER_CONSOLE_CLAIMED');
});

test('of two claims at the same time one wins', async (t) => {
  const { url, code, plant } = await startConsole(t);
  const claim = (username: string) => new Visitor(url).request('POST', '/setup/claim', { code, username, password: PASSWORD });
  const statuses = (await Promise.all([claim('ada'), claim('eve')])).map((response) => response.status);
  assert.deepEqual(statuses.sort(), [201, 409]);
  assert.equal((await plant.documents.list('console.accounts')).length, 1);
});

test('a short password is refused with the field it concerns', async (t) => {
  const { url, code } = await startConsole(t);
  const answer = await new Visitor(url).json<{ error: { code: string; where: { subject: string } } }>(400, 'POST', '/setup/claim', {
    code,
    username: 'ada',
    password: 'short',
  });
  assert.equal(answer.error.code, 'FER_CONSOLE_INVALID');
  assert.equal(answer.error.where.subject, 'body/password');
});

test('the code stays the same over a restart, is gone after the claim, and the claim survives', async (t) => {
  const first = await startConsole(t);
  await first.console.stop();
  const second = await startConsole(t, {}, first.plant);
  assert.equal(second.code, first.code);
  const admin = new Visitor(second.url);
  await admin.claim(second.code);
  assert.equal(await second.plant.documents.get('console.setup', 'code'), null);
  await second.console.stop();
  const third = await startConsole(t, {}, first.plant);
  assert.equal(third.code, null);
  const returning = new Visitor(third.url);
  returning.cookie = admin.cookie;
  assert.equal((await returning.json(200, 'GET', '/session')).username, 'ada');
});

test('neither password nor login secret stand in the documents', async (t) => {
  const { url, code, plant } = await startConsole(t);
  const visitor = new Visitor(url);
  await visitor.claim(code);
  const all = JSON.stringify([...plant.documents.collections].map(([name, documents]) => [name, [...documents]]));
  assert.ok(!all.includes(PASSWORD));
  assert.ok(!all.includes(visitor.cookie.split('=')[1] ?? ''));
});
