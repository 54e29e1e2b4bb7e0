import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { waitFor } from '../support/wait-for.js';
import { RtuRegister } from './rtu-register.js';
import { startField } from './support.js';

describe('a write on a line that never went out, because what is asked before it had no answer', () => {
  test('was not carried out, and is when it is sent again with the same id, with FC 22 as before', async (t) => {
    const register = await RtuRegister.start(t);
    const { field, messages } = await startField(t, {
      buses: [{ name: 'b', type: 'modbus_rtu_tcp', host: '127.0.0.1', port: register.port, timeout: '300ms', retries: 0 }],
      devices: [
        {
          name: 'd',
          bus: 'b',
          scan: { fast: '100ms' },
          tags: [{ name: 'bit', area: 'holding', address: 0, bit: 3, access: 'read_write' }],
        },
      ],
    });
    await messages.until('field/d/bit', ({ q }) => q === 'good');
    register.loses = () => true;
    // What had no answer may still be answered: the unit is asked something else first.
    await waitFor(() => field.device('d')?.counters.timeouts === 1);
    messages.send('field/d/bit/set', '{"v":true,"id":"a"}');
    const refused = await messages.until('field/d/bit/set/result', () => true);
    assert.deepEqual(register.writes(), []);
    assert.deepEqual([refused.code, refused.outcome, refused.id], ['FER_FIELD_NO_ANSWER', 'none', 'a']);
    assert.match(String(refused.error), /was not written: no answer from unit 1, holding registers/);

    register.loses = () => false;
    await messages.until('field/d/bit', ({ q }) => q === 'good');
    messages.send('field/d/bit/set', '{"v":true,"id":"a"}');
    const written = await messages.until('field/d/bit/set/result', ({ ok }) => ok === true);
    assert.deepEqual(written, { ok: true, v: true, id: 'a' });
    assert.deepEqual(register.writes(), [22]);
  });
});
