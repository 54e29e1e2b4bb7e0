import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_PACKETS, summaryOf, TraceLog, traceText } from '../../ui/src/state/trace-log.js';

const packet = (packetId: number) => JSON.stringify({ at: 0, direction: 'in', client: 'c', type: 'puback', packetId, reasonCode: 0x10 });

test('a pause holds the rows still, counts what comes behind them, and loses nothing of it', () => {
  const log = new TraceLog();
  log.take('packet', packet(1));
  log.pause();
  log.take('packet', packet(2));
  log.take('left_out', '{"count":7}');
  assert.deepEqual([log.rows.length, log.behind, log.isPaused], [1, 2, true]);
  log.goOn();
  assert.deepEqual([log.rows.length, log.behind, log.isPaused], [3, 0, false]);
});

test('only the latest packets are kept', () => {
  const log = new TraceLog();
  for (let n = 1; n <= MAX_PACKETS + 5; n++) log.take('packet', packet(n));
  assert.equal(log.rows.length, MAX_PACKETS);
  const [first] = log.rows;
  assert.equal(first !== undefined && 'packet' in first && first.packet.packetId, 6);
  log.clear();
  assert.deepEqual(log.rows, []);
});

test('what is copied has a line for each packet, with time, direction, type and all that it says', () => {
  const log = new TraceLog();
  log.take('packet', packet(7));
  const publish = {
    at: 1000,
    direction: 'out',
    client: 'c',
    type: 'publish',
    topic: 'a/b',
    qos: 1,
    retain: true,
    dup: true,
    packetId: 9,
    size: 2,
  };
  log.take('packet', JSON.stringify({ ...publish, properties: ['contentType'], payload: 'on', payloadFormat: 'text' }));
  log.take('left_out', '{"count":3}');
  log.take('end', '{"reason":"time is over"}');
  assert.deepEqual(traceText(log.rows).split('\n'), [
    '1970-01-01T00:00:00.000Z <- PUBACK #7 · 0x10',
    '1970-01-01T00:00:01.000Z -> PUBLISH a/b · QoS 1 · retain · DUP · #9 · 2 B · {contentType}',
    '    on',
    '... 3 packets left out',
    '--- time is over',
  ]);
});

test('the summary of a SUBSCRIBE names its filters, that of a SUBACK each code', () => {
  const base = { at: 0, direction: 'in' as const, client: 'c' };
  assert.equal(summaryOf({ ...base, type: 'subscribe', packetId: 1, filters: ['a/#', 'b'] }), 'a/#  b · #1');
  assert.equal(summaryOf({ ...base, type: 'suback', packetId: 1, reasonCodes: [1, 0x87] }), '#1 · 0x01 0x87');
});
