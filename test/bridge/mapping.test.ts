import assert from 'node:assert/strict';
import { test } from 'node:test';
import { patternsOverlap, TopicMapping } from '../../src/bridge/mapping.js';
import { FerruleError } from '../../src/errors.js';

const variables = { gateway: 'gw1', bridge: 'cloud' };

for (const [filter, template, topic, expected] of [
  ['field/#', 'plants/lyon/{topic}', 'field/meter1/u', 'plants/lyon/field/meter1/u'],
  ['plants/lyon/cmd/#', 'cmd/{rest}', 'plants/lyon/cmd/pump/1', 'cmd/pump/1'],
  ['plants/lyon/cmd/#', 'cmd/{rest}', 'plants/lyon/cmd', 'cmd'],
  ['a/+/b/+', '{gateway}/{+2}-{+1}/{1}', 'a/x/b/y', 'gw1/y-x/a'],
  ['#', '{bridge}/{rest}', 'x/y', 'cloud/x/y'],
  ['+/x', '{+1}', '/x', null],
  ['a/+', 'b/{+1}', 'a/', 'b/'],
] as const) {
  test(`${filter} -> ${template} takes ${topic} to ${expected}`, () => {
    const mapping = new TopicMapping(filter, template, 1, variables);
    assert.equal(mapping.matches(topic) ? mapping.map(topic) : null, expected);
  });
}

test('A topic that would become too long is no topic', () => {
  assert.equal(new TopicMapping('#', `${'x'.repeat(100)}/{topic}`, 1, variables).map('y'.repeat(65_500)), null);
});

for (const [filter, template, subject, text] of [
  ['a#', '{topic}', 'topic', /has # inside a level/],
  ['$share/g/a', '{topic}', 'topic', /shared subscription/],
  ['a/+', 'b/{rest}', 'to', /needs a #/],
  ['a/+', 'b/{+2}', 'to', /needs 2 \+/],
  ['a/#', 'b/{2}', 'to', /beyond the 1 fixed levels/],
  ['a/#', 'b/+', 'to', /contains a wildcard/],
  ['a/#', 'b/{nonsense}', 'to', /not known/],
  ['a/#', 'b/{rest', 'to', /brace/],
] as const) {
  test(`${filter} -> ${template} is refused`, () => {
    assert.throws(
      () => new TopicMapping(filter, template, 1, variables),
      (error) => {
        assert.ok(error instanceof FerruleError);
        assert.deepEqual([error.code, error.where?.subject], ['FER_BRIDGE_MAPPING', subject]);
        assert.match(error.message, text);
        assert.ok(error.hint !== undefined);
        return true;
      },
    );
  });
}

for (const [a, b, expected] of [
  ['a/b', 'a/b', true],
  ['a/b', 'a/c', false],
  ['a/+', 'a/c', true],
  ['a/#', 'a', true],
  ['a/#', 'b/#', false],
  ['a/#/z', 'a/b/c/z', true],
  ['a/#/z', 'a/b/c/y', false],
  ['#/z', '+/+/z', true],
  ['+', 'a/b', false],
] as const) {
  test(`${a} and ${b} ${expected ? 'overlap' : 'do not overlap'}`, () => {
    assert.equal(patternsOverlap(a.split('/'), b.split('/')), expected);
    assert.equal(patternsOverlap(b.split('/'), a.split('/')), expected);
  });
}
