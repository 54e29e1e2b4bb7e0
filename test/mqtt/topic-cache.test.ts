import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MqttError } from '../../src/mqtt/mqtt-error.js';
import { TopicReader } from '../../src/mqtt/topic-cache.js';
import { Random, seed } from './random.js';

/** The cache is one, whoever reads. */
const readers = [new TopicReader(), new TopicReader()];

function read(topic: string, reader = readers[0]!): string {
  const bytes = Buffer.from(`#${topic}+`);
  return reader.read(bytes, 1, bytes.length - 1);
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
    if (read(topic, random.pick(readers)) !== topic) assert.fail(`MQTT_SEED=${from}: ${topic}`);
  }
});

test('a topic that is refused is refused again, also beside one that differs in a single byte', () => {
  for (let round = 0; round < 3; round++) {
    assert.equal(read('a/b/c'), 'a/b/c');
    assert.throws(() => read('a/+/c'), MqttError);
    assert.throws(() => read('a/\0/c'), MqttError);
    assert.throws(() => readers[0]!.read(Buffer.from([0x61, 0xff]), 0, 2), MqttError);
    assert.equal(read(''), '');
  }
});

test('a topic that is heard again is the same string, without a second decoding', () => {
  const bytes = Buffer.from('once/ü');
  assert.equal(readers[0]!.read(bytes, 0, bytes.length), 'once/ü');
  const again = Buffer.from(bytes);
  again.toString = () => assert.fail('decoded again');
  for (const reader of readers) assert.equal(reader.read(again, 0, again.length), 'once/ü');
});
