import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Overview, Topic } from '../../ui/src/api/types.js';
import { bytesAsText } from '../../ui/src/components/bytes-text.js';
import { payloadText } from '../../ui/src/components/payload-text.js';
import { rowsOf, treeOf } from '../../ui/src/components/topic-tree.js';
import { append, seriesOf, trim } from '../../ui/src/components/trend-data.js';
import { unitRanges } from '../../ui/src/components/unit-ranges.js';
import { parseValue } from '../../ui/src/components/write-value.js';
import { concernsOf } from '../../ui/src/state/attention.js';

function topic(name: string, over: Partial<Topic> = {}): Topic {
  const payload = { format: 'text' as const, payload: '1', size: 1, truncated: false };
  return { topic: name, ...payload, qos: 0, retained: false, at: 1, count: 1, rate: 0.5, ...over };
}

test('topics make a tree that counts what lies below, also with empty levels and topics on branches', () => {
  const tree = treeOf(['/a', 'field', 'field/m/v', 'field/m/w'].map((name) => topic(name)));
  const open = rowsOf(tree, () => true).map(({ node, depth }) => `${depth} ${node.path} ${node.topics}${node.topic === null ? '' : ' !'}`);
  assert.deepEqual(open, ['0  1', '1 /a 1 !', '0 field 3 !', '1 field/m 2', '2 field/m/v 1 !', '2 field/m/w 1 !']);
  assert.equal(rowsOf(tree, () => false).length, 2);
  assert.equal(tree[1]?.rate, 1.5);
});

test('a payload is shown as JSON, text or hex; what is no JSON falls back to text', () => {
  assert.equal(payloadText({ format: 'json', payload: '{"a":[1]}' }, 'json'), '{\n  "a": [\n    1\n  ]\n}');
  assert.equal(payloadText({ format: 'text', payload: 'plain' }, 'json'), 'plain');
  assert.equal(payloadText({ format: 'hex', payload: '0041ff' }, 'hex'), '0000  00 41 ff                 .A.');
  assert.equal(payloadText({ format: 'text', payload: 'é' }, 'hex'), '0000  c3 a9                    ..');
  assert.equal(payloadText({ format: 'hex', payload: '41' }, 'text'), 'A');
});

test('what a person types is a number, or it is said what is wrong with it', () => {
  const number = (text: string) => parseValue(text, 'number');
  assert.deepEqual(['42', ' 3.5 ', '3,5', '-1e3', '.5'].map(number), [
    { value: 42 },
    { value: 3.5 },
    { value: 3.5 },
    { value: -1000 },
    { value: 0.5 },
  ]);
  assert.deepEqual(number('9007199254740991'), { value: 9007199254740991 });
  assert.deepEqual(number('-9007199254740993'), { value: '-9007199254740993' }, 'a number would lose the last digit');
  assert.deepEqual(number('922337203685477,5807'), { value: '922337203685477.5807' });
  for (const text of ['', 'abc', '1.2.3', '1,000.5', '0x10', '1e999']) assert.ok('fault' in number(text), text);
  assert.deepEqual(parseValue('true', 'switch'), { value: true });
  assert.deepEqual(parseValue(' as it is ', 'text'), { value: ' as it is ' });
});

test('in a trend a value that is not trusted is a gap, and old samples leave but for the one that still holds', () => {
  const series = seriesOf([
    { ts: 1000, value: 1, quality: 'good' },
    { ts: 2000, value: 2, quality: 'bad' },
    { ts: 3000, value: 3, quality: 'uncertain' },
  ]);
  assert.deepEqual(series, { times: [1, 2, 3], values: [1, null, 3] });
  assert.equal(append(series, { ts: 3000, value: 9, quality: 'good' }, 3000), false);
  assert.equal(append(series, { ts: 4000, value: 4, quality: 'good' }, 4000), true);
  trim(series, 3.5);
  assert.deepEqual(series, { times: [3, 4], values: [3, 4] });
});

test('the line of a value that is not trusted any more ends when that becomes known, once, though its own time stands still', () => {
  const series = seriesOf([{ ts: 1000, value: 1, quality: 'good' }]);
  assert.equal(append(series, { ts: 1000, value: 1, quality: 'bad' }, 5000), true);
  assert.equal(append(series, { ts: 1000, value: 1, quality: 'stale' }, 6000), false);
  assert.deepEqual(series, { times: [1, 5], values: [1, null] });
  assert.equal(append(series, { ts: 7000, value: 2, quality: 'uncertain' }, 7000), true);
  assert.deepEqual(series.values, [1, null, 2]);
  // A tag that was never read has no line that could end.
  const empty = seriesOf([]);
  append(empty, { ts: null, value: null, quality: 'bad' }, 5000);
  assert.deepEqual(empty.values, [null]);
});

const HEALTHY: Overview = {
  gateway: { id: 'gw', name: 'gw', version: '1', startedAt: 0, demo: false, now: 0 },
  parts: [{ name: 'store', state: 'running', since: 0, error: null }],
  notices: [{ at: 0, level: 'info', message: 'read' }],
  broker: {
    connections: 0,
    sessions: 0,
    subscriptions: 0,
    retained: 0,
    messagesInRate: 0,
    messagesOutRate: 0,
    messagesIn: 0,
    messagesOut: 0,
    dropped: 0,
    queued: 0,
    queuedBytes: 0,
  },
  field: { devices: { online: 1, degraded: 0, offline: 0, unknown: 0 }, tags: { good: 1, stale: 0, bad: 0, uncertain: 0 }, buses: [] },
  bridges: [],
  rules: { running: 1, error: 0, fired: 0, failed: 0 },
  storage: {
    state: 'running',
    durability: 'strict',
    databaseBytes: 0,
    freeBytes: null,
    bytesWrittenToday: 0,
    lastCommitMs: 0,
    commits: 0,
  },
};

const bridge = {
  name: 'cloud',
  state: 'degraded' as const,
  link: 'waiting' as const,
  since: 5,
  lastError: 'refused',
  latency: null,
  waiting: 3,
  waitingBytes: 9,
  oldestAgeMs: 1,
  difference: 0,
};

test('nothing needs attention where all is normal', () => {
  assert.deepEqual(concernsOf(HEALTHY, 500), []);
});

test('what is wrong comes worst first, each thing once, with what to do', () => {
  const concerns = concernsOf(
    {
      ...HEALTHY,
      parts: [
        { name: 'listener tcp:1883', state: 'starting', since: 1, error: null },
        { name: 'bridge cloud', state: 'degraded', since: 5, error: { code: 'FER_X', message: 'refused', hint: 'start it' } },
      ],
      bridges: [bridge, { ...bridge, name: 'office', link: 'paused' }, { ...bridge, name: 'lab', link: 'connected', difference: 2 }],
      notices: [{ at: 7, level: 'warning', message: 'stepped' }],
    },
    60_000,
  );
  assert.deepEqual(
    concerns.map(({ key, kind }) => `${kind} ${key}`),
    [
      'failure part bridge cloud',
      'failure ledger lab',
      'check part listener tcp:1883',
      'check paused office',
      'maintenance notice 7 0',
      'maintenance clock',
    ],
  );
  assert.deepEqual([concerns[0]?.hint, concerns[0]?.code, concerns[0]?.page], ['start it', 'FER_X', 'uplink']);
});

test('unit ids in a row are shown as ranges', () => {
  assert.equal(unitRanges([]), '');
  assert.equal(unitRanges([7]), '7');
  assert.equal(unitRanges([0, 1, 2, 10, 21, 22, 255]), '0–2, 10, 21–22, 255');
});

test('bytes are shown as characters, names and numbers', () => {
  assert.equal(bytesAsText('02312e35033c0d0aff00'), '<STX>1.5<ETX><<CR><LF><FF><00>');
  assert.equal(bytesAsText(''), '');
});
