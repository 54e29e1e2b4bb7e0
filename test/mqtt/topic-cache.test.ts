import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MqttError } from '../../src/mqtt/mqtt-error.js';
import { readTopicName } from '../../src/mqtt/topic-cache.js';
import { Random, seed } from './random.js';

function read(topic: string): string {
  const bytes = Buffer.from(`#${topic}+`);
  return readTopicName(bytes, 1, bytes.length - 1);
}

test('a topic is itself, however many others share the cache with it', () => {
  const from = seed();
  const random = new Random(from);
  // Far more than the cache holds, of lengths around its limit, many of them equal but for one character.
  const topics = Array.from({ length: 20_000 }, (_, index) => {
    const filling = 'x'.repeat(random.pick([0, 1, 2, 3, 4, 60, 110, 118, 119, 120, 121, 122, 123, 124, 300]));
    return `${filling}${random.pick(['/', 'ü', '', '\u{1f321}'])}${index % 7000}`;
  });
  for (let round = 0; round < 100_000; round++) {
    const topic = random.pick(topics);
    if (read(topic) !== topic) assert.fail(`MQTT_SEED=${from}: ${topic}`);
  }
});

test('a topic that is refused is refused again, also beside one that differs in a single byte', () => {
  for (let round = 0; round < 3; round++) {
    assert.equal(read('a/b/c'), 'a/b/c');
    assert.throws(() => read('a/+/c'), MqttError);
    assert.throws(() => read('a/\0/c'), MqttError);
    assert.throws(() => readTopicName(Buffer.from([0x61, 0xff]), 0, 2), MqttError);
    assert.equal(read(''), '');
  }
});

test('a topic that is heard again is the same string, without a second decoding', () => {
  const bytes = Buffer.from('once/ü');
  assert.equal(readTopicName(bytes, 0, bytes.length), 'once/ü');
  const again = Buffer.from(bytes);
  again.toString = () => assert.fail('decoded again');
  assert.equal(readTopicName(again, 0, again.length), 'once/ü');
});
