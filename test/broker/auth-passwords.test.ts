import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashPassword, PasswordVerifier } from '../../src/broker/auth/passwords.js';
import { Turns } from '../../src/broker/auth/turns.js';
import { RawClient } from '../support/raw-client.js';
import { startBroker } from './harness.js';

test('is the same check asked for a hundred times computed once, and a wrong one not mixed up with it?', async () => {
  const verifier = new PasswordVerifier();
  const hash = await hashPassword(Buffer.from('correct horse'));
  const began = performance.now();
  await verifier.verify(Buffer.from('another horse'), hash);
  const once = performance.now() - began;
  const again = performance.now();
  const right = Array.from({ length: 100 }, () => verifier.verify(Buffer.from('correct horse'), hash));
  const wrong = Array.from({ length: 100 }, () => verifier.verify(Buffer.from('wrong horse'), hash));
  assert.deepEqual(await Promise.all(right), Array(100).fill(true));
  assert.deepEqual(await Promise.all(wrong), Array(100).fill(false));
  // Two hashes, not two hundred; a wide margin, for the machine may be busy.
  assert.ok(performance.now() - again < once * 40, `${performance.now() - again} ms, one takes ${once} ms`);
});

test('do no more run at once than may, in the order they came, also when some fail?', async () => {
  const turns = new Turns(2, 2);
  const order: number[] = [];
  let running = 0;
  let most = 0;
  const work = (n: number) => async (): Promise<number> => {
    most = Math.max(most, ++running);
    order.push(n);
    await new Promise((resolve) => setImmediate(resolve));
    running--;
    if (n === 1) throw new Error('failed');
    return n;
  };
  const all = [0, 1, 2, 3].map((n) => turns.run(work(n)));
  assert.equal(turns.isFull, true);
  assert.deepEqual(
    (await Promise.allSettled(all)).map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
  );
  assert.deepEqual([order, most, turns.isFull], [[0, 1, 2, 3], 2, false]);
});

test('do a hundred clients of one user come in together?', async (t) => {
  const { port, broker } = await startBroker(t, { anonymous: false });
  await broker.access.users.put('anna', 'correct horse', 0);
  const clients = Array.from({ length: 100 }, () => RawClient.open(port, { username: 'anna', password: 'correct horse' }));
  await Promise.all(clients);
  assert.equal(broker.connectedClients, 100);
});
