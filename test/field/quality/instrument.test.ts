import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ScriptedInstrument } from '../../peers/instrument.js';
import { SerialPair } from '../../peers/socat.js';
import { needs } from '../../support/needs.js';
import { waitFor } from '../../support/wait-for.js';
import { fieldConfig } from '../support.js';
import { emptyPlant, makeField } from './support.js';

describe('an instrument whose configuration changes while its port stays open', { skip: needs('socat') }, () => {
  test('the rest of a line that began before is no value', async (t) => {
    const cable = await SerialPair.open(t);
    const instrument = await ScriptedInstrument.start(t, cable.theirs);
    const written = (description: string) => ({
      buses: [{ name: 'line', type: 'serial', port: cable.ours }],
      devices: [
        {
          name: 'scale',
          bus: 'line',
          frame: { type: 'delimiter' },
          decode: { type: 'text', fields: [{ name: 'kg', description }] },
        },
      ],
    });
    const plant = emptyPlant();
    const field = await makeField(t, written('before'), plant);
    await field.start();
    await waitFor(
      async () => {
        await instrument.send('111\n');
        return plant.messages.last('field/scale/kg')?.q === 'good';
      },
      { interval: 300 },
    );
    await instrument.send('11');
    // Heard before the change: the port gives what has come to whoever listens then.
    await new Promise((done) => setTimeout(done, 100));
    await field.reconfigure(await fieldConfig(written('after')));
    await instrument.send('2.5\n');
    await instrument.send('113.5\n');
    await plant.messages.until('field/scale/kg', ({ v, q }) => v === 113.5 && q === 'good');
    assert.deepEqual([...new Set(plant.messages.json('field/scale/kg').flatMap(({ v, q }) => (q === 'good' ? [v] : [])))], [111, 113.5]);
  });
});

test('whoever watches a device is told of all its tags when a change of its configuration makes them stale', async (t) => {
  const written = (description: string) => ({
    buses: [{ name: 'line', type: 'serial_tcp', host: '127.0.0.1', port: 1 }],
    devices: [{ name: 'scale', bus: 'line', decode: { type: 'text', fields: [{ name: 'kg', description }] } }],
  });
  const field = await makeField(t, written('before'), emptyPlant());
  await field.start();
  const told: string[] = [];
  field.onChange((device, tags) => {
    const seen = field.device(device)?.tags[0]?.description;
    told.push(...tags.map((tag) => `${device}/${tag} ${seen}`));
  });
  await field.reconfigure(await fieldConfig(written('after')));
  assert.ok(told.includes('scale/kg before') && told.includes('scale/kg after'), told.join(', '));
});
