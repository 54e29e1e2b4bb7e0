import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { HangUps } from '../../src/field/modbus/hang-ups.js';

const asked = (...units: number[]) => new Set(units);

/** With a connection on which unit 1 has answered. */
function answered() {
  const hangUps = new HangUps();
  hangUps.begin();
  hangUps.heard(1);
  return hangUps;
}

describe('a connection that the peer closes', () => {
  test('because a unit is asked: when it happens to that one alone for the second time', () => {
    const hangUps = answered();
    assert.equal(hangUps.lost(asked(2)), 'perhaps');
    hangUps.begin();
    hangUps.heard(1);
    assert.deepEqual(hangUps.lost(asked(2)), { because: 2 });
  });

  test('not because of one that has answered since', () => {
    const hangUps = answered();
    hangUps.lost(asked(2));
    hangUps.begin();
    hangUps.heard(2);
    assert.equal(hangUps.lost(asked(2)), 'perhaps');
  });

  test('perhaps because of one of several', () => {
    assert.equal(answered().lost(asked(2, 3)), 'perhaps');
  });

  test('perhaps by the first request on the next connection, but nobody is blamed where nothing works any more', () => {
    const hangUps = answered();
    hangUps.lost(asked(2, 3));
    hangUps.begin();
    assert.equal(hangUps.lost(asked(2)), 'perhaps');
    hangUps.begin();
    assert.equal(hangUps.lost(asked(2)), 'no');
  });

  test('not where nobody was asked, nor where nothing ever answered', () => {
    assert.equal(answered().lost(asked()), 'no');
    const hangUps = new HangUps();
    hangUps.begin();
    assert.equal(hangUps.lost(asked(2)), 'no');
  });
});
