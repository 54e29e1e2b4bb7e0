import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checksum, checksumProblem } from '../../../src/field/serial/checksum.js';
import type { ChecksumConfig } from '../../../src/field/serial/schema.js';

/** The text whose check sums the catalogues of CRCs list. */
const CHECK = Buffer.from('123456789');
const of = (config: Partial<ChecksumConfig> & Pick<ChecksumConfig, 'type'>): ChecksumConfig => ({ from: 0, encoding: 'hex', ...config });

describe('check sums', () => {
  test('of "123456789" they are what the catalogues say', () => {
    const sums = {
      xor: checksum('xor', CHECK),
      sum8: checksum('sum8', CHECK),
      lrc: checksum('lrc', CHECK),
      modbus: checksum('crc16_modbus', CHECK),
      arc: checksum('crc16_arc', CHECK),
      ccitt_false: checksum('crc16_ccitt', CHECK),
      xmodem: checksum('crc16_ccitt', CHECK, 'xmodem'),
      kermit: checksum('crc16_ccitt', CHECK, 'kermit'),
      x25: checksum('crc16_ccitt', CHECK, 'x25'),
      aug_ccitt: checksum('crc16_ccitt', CHECK, 'aug_ccitt'),
      crc32: checksum('crc32', CHECK),
    };
    assert.deepEqual(sums, {
      xor: 0x31,
      sum8: 0xdd,
      lrc: 0x23,
      modbus: 0x4b37,
      arc: 0xbb3d,
      ccitt_false: 0x29b1,
      xmodem: 0x31c3,
      kermit: 0x2189,
      x25: 0x906e,
      aug_ccitt: 0xe5cc,
      crc32: 0xcbf43926,
    });
  });

  test('written as digits, as bytes in either order, as a decimal number', () => {
    const right: [ChecksumConfig, string][] = [
      [of({ type: 'crc16_ccitt' }), '12345678929B1'],
      [of({ type: 'crc16_ccitt' }), '12345678929b1'],
      [of({ type: 'crc16_ccitt', order: 'little' }), '123456789B129'],
      [of({ type: 'crc16_ccitt', encoding: 'binary' }), '123456789\x29\xb1'],
      [of({ type: 'crc16_modbus', encoding: 'binary' }), '123456789\x37\x4b'],
      [of({ type: 'crc16_modbus', encoding: 'binary', order: 'big' }), '123456789\x4b\x37'],
      [of({ type: 'crc32', encoding: 'binary' }), '123456789\xcb\xf4\x39\x26'],
      [of({ type: 'xor', encoding: 'decimal' }), '123456789049'],
      [of({ type: 'xor', encoding: 'decimal', digits: 2 }), '12345678949'],
      [of({ type: 'sum8', encoding: 'decimal' }), '123456789221'],
    ];
    for (const [config, frame] of right) assert.equal(checksumProblem(config, Buffer.from(frame, 'latin1')), null, frame);
  });

  test('from, to and where it stands count from either end', () => {
    const frame = Buffer.from('$123456789*31\r');
    assert.equal(checksumProblem(of({ type: 'xor', from: 1, to: -4, at: -3 }), frame), null);
    assert.equal(checksumProblem(of({ type: 'xor', from: -13, to: 10, at: 11 }), frame), null);
  });

  test('a wrong one is named with the one it should be', () => {
    assert.equal(checksumProblem(of({ type: 'xor' }), Buffer.from('12345678930')), 'its check sum is 30, and should be 31');
    assert.equal(checksumProblem(of({ type: 'crc16_arc' }), Buffer.from('1234567890000')), 'its check sum is 0000, and should be BB3D');
  });

  test('a frame too short for it, and what is no digit, are wrong', () => {
    for (const text of ['', '1', '31'])
      assert.equal(checksumProblem(of({ type: 'xor' }), Buffer.from(text)), 'it is too short for its check sum');
    assert.equal(checksumProblem(of({ type: 'xor' }), Buffer.from('1234567893G')), 'there is no check sum where it should be');
    assert.equal(
      checksumProblem(of({ type: 'xor', encoding: 'decimal' }), Buffer.from('1234567890x1')),
      'there is no check sum where it should be',
    );
    assert.notEqual(checksumProblem(of({ type: 'xor', from: 5, to: 3 }), Buffer.from('12345678931')), null);
  });

  test('any single wrong bit is found by every one of them', () => {
    for (const type of ['xor', 'sum8', 'lrc', 'crc16_modbus', 'crc16_arc', 'crc16_ccitt', 'crc32'] as const) {
      const right = checksum(type, CHECK);
      for (let bit = 0; bit < CHECK.length * 8; bit++) {
        const wrong = Buffer.from(CHECK);
        wrong[bit >> 3] = (wrong[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        assert.notEqual(checksum(type, wrong), right, `${type}, bit ${bit}`);
      }
    }
  });
});
