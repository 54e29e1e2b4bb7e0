import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ScriptedInstrument } from '../../peers/instrument.js';
import { SerialPair } from '../../peers/socat.js';
import { needs } from '../../support/needs.js';
import { waitFor } from '../../support/wait-for.js';
import { startField } from '../support.js';

const bus = (port: string) => [{ name: 'line', type: 'serial', port, baud: 9600 }];
const SCANNER = { name: 'scanner', bus: 'line', stale_after: 0, decode: { type: 'text', fields: [{ name: 'code', type: 'string' }] } };
const PRINTER = { name: 'printer', bus: 'line', decode: { type: 'raw', tx: 'field/printer/tx' } };

describe('a line that returns', { skip: needs('socat') }, () => {
  test('a device in raw mode that never says anything is online, and offline while its line is lost', async (t) => {
    const cable = await SerialPair.open(t);
    const { messages } = await startField(t, { buses: bus(cable.ours), devices: [PRINTER] });
    await messages.until('field/printer/$state', ({ state }) => state === 'online');
    await cable.unplug();
    await messages.until('field/printer/$state', ({ state }) => state === 'offline');
    await cable.plug();
    await messages.until('field/printer/$state', ({ state, error }) => state === 'online' && error === undefined);
    messages.send('field/printer/tx', 'label');
    assert.equal((await messages.until('field/printer/tx/result', () => true)).ok, true);
  });

  test('an instrument that speaks seldom is no longer without a bus: its value is of an earlier time', async (t) => {
    const cable = await SerialPair.open(t);
    const { field, messages } = await startField(t, { buses: bus(cable.ours), devices: [SCANNER] });
    await waitFor(() => field.buses()[0]?.state === 'running');
    const scanner = await ScriptedInstrument.start(t, cable.theirs);
    await waitFor(
      async () => {
        await scanner.send('4006381333931\n');
        return messages.last('field/scanner/code')?.q === 'good';
      },
      { interval: 100 },
    );
    const { ts } = messages.last('field/scanner/code')!;
    await cable.unplug();
    const lost = await messages.until('field/scanner/code', ({ reason }) => reason === 'bus_down');
    assert.ok(Number(lost.ts) >= Number(ts));
    await cable.plug();
    const value = await messages.until('field/scanner/code', ({ q }) => q === 'stale');
    assert.deepEqual(value, { v: '4006381333931', ts: lost.ts, q: 'stale', reason: 'not_read_yet' });
    const state = await messages.until('field/scanner/$state', (json) => json.state === 'unknown');
    assert.equal(state.error, undefined);
    const again = await ScriptedInstrument.start(t, cable.theirs);
    await waitFor(
      async () => {
        await again.send('5901234123457\n');
        return messages.last('field/scanner/code')?.v === '5901234123457';
      },
      { interval: 100 },
    );
    await messages.until('field/scanner/$state', (json) => json.state === 'online');
  });

  test('so is it where somebody used the line from a terminal, and one that was never heard has no value yet', async (t) => {
    const cable = await SerialPair.open(t);
    const { field, messages } = await startField(t, { buses: bus(cable.ours), devices: [SCANNER] });
    await waitFor(() => field.buses()[0]?.state === 'running');
    field.tools.send('line', Buffer.from('?'));
    await messages.until('field/scanner/code', ({ reason }) => reason === 'bus_down');
    const value = await messages.until('field/scanner/code', ({ reason }) => reason === 'not_read_yet');
    assert.deepEqual(value, { v: null, ts: null, q: 'bad', reason: 'not_read_yet' });
    await messages.until('field/scanner/$state', (json) => json.state === 'unknown');
  });
});
