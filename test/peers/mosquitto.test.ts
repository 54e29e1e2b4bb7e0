import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needs } from '../support/needs.js';
import { startMosquitto } from './mosquitto.js';
import { mosquittoPub, mosquittoSub } from './mosquitto-clients.js';

const skip = needs('mosquitto', 'mosquitto-clients');

test('a message goes from mosquitto_pub through mosquitto to mosquitto_sub', { skip }, async (t) => {
  const { port } = await startMosquitto(t);
  const sub = await mosquittoSub(t, { port, topics: ['a/#'], qos: 1 });
  await mosquittoPub({ port, topic: 'a/b', payload: 'x "y"\n', qos: 1 });
  assert.deepEqual(await sub.until(1, { topic: 'a/b' }), [{ topic: 'a/b', payload: 'x "y"\n', qos: 1, retain: false }]);
});

test('mosquitto with users refuses the others', { skip }, async (t) => {
  const { port } = await startMosquitto(t, { users: { ada: 'secret' } });
  await mosquittoPub({ port, topic: 'a', payload: '1', username: 'ada', password: 'secret' });
  await assert.rejects(mosquittoPub({ port, topic: 'a', payload: '1', username: 'ada', password: 'wrong' }), /not authorised/i);
});

test('mosquitto comes back on its port, with what it kept', { skip }, async (t) => {
  const mosquitto = await startMosquitto(t, { persistence: true });
  await mosquittoPub({ port: mosquitto.port, topic: 'kept', payload: '1', qos: 1, retain: true });
  await mosquitto.stop();
  await assert.rejects(mosquittoPub({ port: mosquitto.port, topic: 'a', payload: '1' }), /refused/i);
  await mosquitto.start();
  const sub = await mosquittoSub(t, { port: mosquitto.port, topics: ['kept'] });
  assert.equal((await sub.until(1))[0]?.retain, true);
});

test('a frozen mosquitto answers only when it is thawed', { skip }, async (t) => {
  const mosquitto = await startMosquitto(t);
  mosquitto.freeze();
  let answered = false;
  const published = mosquittoPub({ port: mosquitto.port, topic: 'a', payload: '1', qos: 1 }).then(() => {
    answered = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.equal(answered, false);
  mosquitto.thaw();
  await published;
});
