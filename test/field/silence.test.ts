import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SilenceWatch, type Verdict } from '../../src/field/modbus/silence.js';

function setup() {
  const aside = new Set<number>();
  const watch = new SilenceWatch((unit) => aside.has(unit));
  watch.begin();
  /** What the last of these says. */
  const silentOnes = (units: number[], waiting: number[] = []): Verdict => {
    let verdict: Verdict = 'nothing';
    for (const unit of units) verdict = watch.timedOut(unit, aside.has(unit), waiting);
    return verdict;
  };
  return { aside, watch, silentOnes };
}

describe('whether it is the connection that is silent', () => {
  test('three requests in vain where nobody ever answered: it is', () => {
    const { silentOnes } = setup();
    assert.equal(silentOnes([1, 1]), 'nothing');
    assert.equal(silentOnes([1]), 'dead');
  });

  test('where nobody answered yet and others wait to be asked, they are asked first', () => {
    const { silentOnes } = setup();
    assert.equal(silentOnes([1, 2, 3], [1, 2, 3, 4]), 'nothing');
    assert.equal(silentOnes([4], [1, 2, 3]), 'dead');
  });

  test('units that never answered, while one does, say nothing', () => {
    const { watch, silentOnes } = setup();
    watch.heard(9);
    assert.equal(silentOnes([1, 2, 3, 1, 2, 3, 1, 2, 3]), 'nothing');
  });

  test('one that answered and stops: another that answered is to be asked', () => {
    const { watch, silentOnes } = setup();
    for (const unit of [1, 2, 3]) watch.heard(unit);
    assert.deepEqual(silentOnes([1, 1, 1]), { ask: [2, 3] });
    watch.heard(2);
    assert.equal(silentOnes([1, 1]), 'nothing');
  });

  test('where that one is silent too, the next one is to be asked, and then it is', () => {
    const { watch, silentOnes } = setup();
    for (const unit of [1, 2, 3]) watch.heard(unit);
    silentOnes([1, 1, 1]);
    assert.deepEqual(silentOnes([2]), { ask: [3] });
    assert.equal(silentOnes([2]), 'nothing');
    assert.equal(silentOnes([3]), 'dead');
  });

  test('three that answered and stop at once: it is, however many others there are', () => {
    const { watch, silentOnes } = setup();
    for (const unit of [1, 2, 3, 4, 5]) watch.heard(unit);
    assert.equal(silentOnes([1, 2]), 'nothing');
    assert.equal(silentOnes([3]), 'dead');
  });

  test('three that answered on the connection before, and nobody on this one: it is', () => {
    const { watch, silentOnes } = setup();
    for (const unit of [1, 2, 3, 4, 5]) watch.heard(unit);
    watch.begin();
    assert.equal(silentOnes([1, 2, 3], [4, 5]), 'dead');
  });

  test('the last one that answered is silent once, beside dead ones: not yet', () => {
    const { aside, watch, silentOnes } = setup();
    watch.heard(9);
    for (const unit of [1, 2, 3]) aside.add(unit);
    assert.equal(silentOnes([9, 1, 2, 3]), 'nothing');
    assert.equal(silentOnes([9]), 'dead');
  });

  test('those that were put aside do not stand for the connection', () => {
    const { aside, watch, silentOnes } = setup();
    for (const unit of [1, 2]) watch.heard(unit);
    aside.add(2);
    assert.equal(silentOnes([1, 1, 1]), 'dead');
  });

  test('what a gateway says for a unit ends the silence', () => {
    const { watch, silentOnes } = setup();
    silentOnes([1, 1]);
    watch.heard(null);
    assert.equal(silentOnes([1, 1]), 'nothing');
    assert.equal(silentOnes([1]), 'dead');
  });
});
