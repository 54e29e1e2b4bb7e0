import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitFor } from '../support/wait-for.js';
import { claimedConsole, PASSWORD, Visitor } from './harness.js';

/** Opens a trace and collects its text. */
async function follow(visitor: Visitor, query: string) {
  const abort = new AbortController();
  const response = await fetch(`${visitor.url}/api/v1/trace?${query}`, { headers: { cookie: visitor.cookie }, signal: abort.signal });
  const seen = { response, text: '', ended: false, close: () => abort.abort() };
  const { body } = response;
  if (body !== null) {
    void (async () => {
      try {
        for await (const chunk of body) seen.text += Buffer.from(chunk).toString();
      } catch {
        // Closed by the test.
      }
      seen.ended = true;
    })();
  }
  return seen;
}

test('do packets of a trace come as events, with what was left out, until it is over?', async (t) => {
  const { admin, plant } = await claimedConsole(t);
  const seen = await follow(admin, 'client=c');
  assert.equal(seen.response.status, 200);
  assert.match(seen.response.headers.get('content-type') ?? '', /^text\/event-stream/);
  const [listener] = plant.traces;
  listener!.packet({ type: 'pingreq' });
  listener!.leftOut(7);
  listener!.ended('time is over');
  await waitFor(() => seen.ended);
  assert.match(
    seen.text,
    /event: packet\ndata: {"type":"pingreq"}\n\nevent: left_out\ndata: {"count":7}\n\nevent: end\ndata: {"reason":"time is over"}\n\n$/,
  );
  assert.equal(plant.traces.size, 0);
});

test('does the trace end when its reader goes, when the login ends, and when the console stops?', async (t) => {
  const { admin, plant, console } = await claimedConsole(t);
  const first = await follow(admin, 'topic=%23');
  first.close();
  await waitFor(() => plant.traces.size === 0);
  const second = await follow(admin, 'topic=%23');
  await admin.json(204, 'DELETE', '/session');
  await waitFor(() => second.ended && plant.traces.size === 0);
  const again = new Visitor(admin.url);
  const answer = await again.request('POST', '/session', { username: 'ada', password: PASSWORD });
  again.takeLogin(answer, (await answer.json()) as { csrf: string });
  const third = await follow(again, 'topic=%23');
  assert.equal(plant.traces.size, 1);
  await console.stop();
  await waitFor(() => third.ended && plant.traces.size === 0);
});

test('are packets left out and counted while the reader does not read?', async (t) => {
  const { admin, plant } = await claimedConsole(t);
  const abort = new AbortController();
  t.after(() => abort.abort());
  const response = await fetch(`${admin.url}/api/v1/trace?client=c`, { headers: { cookie: admin.cookie }, signal: abort.signal });
  const [listener] = plant.traces;
  const packet = { type: 'publish', topic: 'x'.repeat(1000) };
  // Far more than the kernel's buffers and ours take.
  for (let i = 0; i < 30_000; i++) listener!.packet(packet);
  let text = '';
  for await (const chunk of response.body!) {
    text += Buffer.from(chunk).toString();
    listener!.packet({ type: 'pingreq' });
    if (text.includes('event: left_out')) break;
  }
  const count = Number(/event: left_out\ndata: {"count":(\d+)}/.exec(text)![1]);
  assert.ok(count > 10_000 && count < 30_000, `${count}`);
});

test('who may not trace, and what can not be traced, gets an answer in the usual form', async (t) => {
  const { admin, url } = await claimedConsole(t);
  assert.equal(await new Visitor(url).refused(401, 'GET', '/trace?client=c'), 'FER_CONSOLE_LOGIN_REQUIRED');
  assert.equal(await admin.refused(400, 'GET', '/trace?client=c&payload=129'), 'FER_CONSOLE_INVALID');
  assert.equal(await admin.refused(422, 'GET', '/trace'), 'FER_BROKER_TRACE');
});
