import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Sent, TopicHistory } from './topic-history.js';

function message(number: number, qos: 1 | 2): Sent {
  return { topic: 't', number, qos, payload: String(number), packetId: number, received: false, firstAt: -1, lastAt: -1 };
}

/** What may be retained after these were sent in this order and those acknowledged. */
function possible(sent: Sent[], acknowledged: Sent[]): string[] {
  const history = new TopicHistory();
  for (const one of sent) history.add(one);
  for (const one of acknowledged) history.acknowledged(one);
  return history.possible(history.mark);
}

test('before anything is acknowledged, all that was sent may be retained, or nothing', () => {
  assert.deepEqual(possible([message(1, 1), message(2, 2)], []), ['', '1', '2']);
});

test('nothing is retained after what followed it and was acknowledged', () => {
  for (const [first, second] of [
    [1, 1],
    [2, 2],
    [1, 2],
    [2, 1],
  ] as const) {
    const [older, newer] = [message(1, first), message(2, second)];
    assert.deepEqual(possible([older, newer], [older, newer]), ['2']);
  }
});

test('at QoS 1 this holds when both are sent again', () => {
  const [older, newer] = [message(1, 1), message(2, 1)];
  assert.deepEqual(possible([older, newer, older, newer], [older, newer]), ['2']);
});

test('a message at QoS 1 that was sent again may be retained after one at QoS 2 that followed it', () => {
  const [older, newer] = [message(1, 1), message(2, 2)];
  assert.deepEqual(possible([older, newer, older, newer], [older, newer]), ['1', '2']);
});

test('what is sent after a mark may be retained', () => {
  const history = new TopicHistory();
  const sent = [message(1, 1), message(2, 2), message(3, 1)] as const;
  history.add(sent[0]);
  history.add(sent[1]);
  history.acknowledged(sent[0]);
  history.acknowledged(sent[1]);
  const { mark } = history;
  history.add(sent[2]);
  history.acknowledged(sent[2]);
  assert.deepEqual(history.possible(mark), ['2', '3']);
  assert.deepEqual(history.possible(history.mark), ['3']);
});
