import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { portSettings, SerialOpener } from '../../../src/field/link/serial.js';
import type { LineConfig } from '../../../src/field/schema.js';
import { silentLogger } from '../../../src/log.js';
import { SerialPair } from '../../peers/socat.js';
import { needs } from '../../support/needs.js';

const LINE: LineConfig = { port: '/dev/ttyS9', baud: 9600, data_bits: 8, parity: 'none', stop_bits: 1, flow_control: 'none' };

/** What a pseudo terminal keeps of its settings: parity and data bits it does not. */
const KEPT: [Partial<LineConfig>, RegExp][] = [
  [{ baud: 19_200 }, /speed 19200 baud/],
  [{ baud: 115_200 }, /speed 115200 baud/],
  [{}, /speed 9600 baud[\s\S]* -cstopb[\s\S]* -crtscts[\s\S]* -ixon -ixoff/],
  [{ stop_bits: 2 }, / cstopb/],
  [{ flow_control: 'rts_cts' }, / crtscts/],
  [{ flow_control: 'xon_xoff' }, / ixon ixoff/],
];

describe('the settings of a line', { skip: needs('socat') }, () => {
  for (const [settings, expected] of KEPT) {
    test(`reach the port: ${JSON.stringify(settings)}`, async (t) => {
      const cable = await SerialPair.open(t);
      const opener = new SerialOpener({ ...LINE, ...settings, port: cable.ours }, silentLogger);
      const link = await opener.open({ data: () => {}, closed: () => {} }, new AbortController().signal);
      t.after(() => link.close());
      assert.match(execFileSync('stty', ['-a', '-F', cable.ours], { encoding: 'utf8' }), expected);
    });
  }
});

test('Parity, data bits and stop bits are what serialport is asked for', () => {
  const of = (settings: Partial<LineConfig>) => portSettings({ ...LINE, ...settings });
  for (const parity of ['none', 'even', 'odd'] as const) assert.equal(of({ parity }).parity, parity);
  for (const data_bits of [5, 6, 7, 8] as const) assert.equal(of({ data_bits }).dataBits, data_bits);
  assert.deepEqual(
    ([1, 1.5, 2] as const).map((stop_bits) => of({ stop_bits }).stopBits),
    [1, 2, 2],
  );
});
