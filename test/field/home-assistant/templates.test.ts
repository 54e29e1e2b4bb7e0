import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { barePayload, groupPayload, jsonPayload, parseSet, type Sample } from '../../../src/field/topics.js';
import { Jinja } from '../../peers/jinja.js';
import { needs } from '../../support/needs.js';
import { announced, type Entity, entityOf } from './support.js';

type Format = 'json' | 'value' | 'device';

const good = (value: Sample['value']): Sample => ({ value, ts: 1_763_690_000_123, quality: 'good', reason: null });

function message(format: Format, tag: string, sample: Sample): string {
  switch (format) {
    case 'json':
      return jsonPayload(sample).toString();
    case 'value':
      return barePayload(sample).toString();
    case 'device':
      return groupPayload([
        ['other', good(1)],
        [tag, sample],
      ]).toString();
  }
}

interface Availability {
  topic: string;
  value_template: string;
}

/** What Home Assistant shows for a message. */
async function shown(jinja: Jinja, entity: Entity, payload: string): Promise<{ state: string; availability: string }> {
  const own = (entity.availability as Availability[]).find(({ topic }) => topic === entity.state_topic)!;
  return {
    state: await jinja.render(String(entity.value_template), payload),
    availability: await jinja.render(own.value_template, payload),
  };
}

describe('templates, rendered by Jinja', { skip: needs('python3-jinja2') }, () => {
  const cases: [string, Record<string, unknown>, Sample['value'], string][] = [
    ['a number', { unit: 'V' }, 228.4, '228.4'],
    ['zero', {}, 0, '0'],
    ['a 64-bit number', { type: 'uint64' }, '18446744073709551615', '18446744073709551615'],
    ['a number that may be written', { access: 'read_write', write: { min: -5, max: 300 } }, 228.4, '228.4'],
    ['off', { area: 'coil' }, false, 'OFF'],
    ['on', { area: 'coil', access: 'read_write' }, true, 'ON'],
    ['a name', { enum: { 0: 'off', 1: 'fast "2"' } }, 'fast "2"', 'fast "2"'],
    ['a name to choose', { enum: { 0: 'aus', 1: 'größer' }, access: 'read_write' }, 'größer', 'größer'],
    ['a text', { type: 'string', length: 8 }, 'SN {{1}}', 'SN {{1}}'],
    ['a text that may be written', { type: 'string', length: 8, access: 'read_write' }, '12', '12'],
  ];
  for (const format of ['json', 'value', 'device'] as const) {
    test(`payload ${format}: a good value is shown as it is`, async (t) => {
      const jinja = await Jinja.start(t);
      for (const [what, tag, value, state] of cases) {
        const entity = await entityOf(tag, format);
        assert.deepEqual(await shown(jinja, entity, message(format, 't0', good(value))), { state, availability: 'online' }, what);
      }
    });

    test(`payload ${format}: what is bad, stale or was never read is unknown and unavailable`, async (t) => {
      const jinja = await Jinja.start(t);
      for (const [what, tag, value] of cases) {
        const entity = await entityOf(tag, format);
        for (const [quality, last] of [
          ['bad', value],
          ['stale', value],
          ['bad', null],
        ] as const) {
          const payload = message(format, 't0', { ...good(last), quality, reason: 'timeout' });
          assert.deepEqual(await shown(jinja, entity, payload), { state: 'None', availability: 'offline' }, `${what}, ${quality}`);
        }
      }
    });

    if (format !== 'value') {
      test(`payload ${format}: what can only be written is unknown, and can be written`, async (t) => {
        const jinja = await Jinja.start(t);
        const entity = await entityOf({ access: 'read_write' }, format);
        const payload = message(format, 't0', { value: null, ts: null, quality: 'bad', reason: 'write_only' });
        assert.deepEqual(await shown(jinja, entity, payload), { state: 'None', availability: 'online' });
      });
    }

    test(`payload ${format}: a message that is cleared or is nothing of ours is unknown, and no error in the log`, async (t) => {
      const jinja = await Jinja.start(t);
      for (const [what, tag] of cases) {
        const entity = await entityOf(tag, format);
        for (const payload of format === 'value' ? [''] : ['', 'null', '1', '"x"', '[]', '{}', '{"values":{}}', 'x']) {
          assert.deepEqual(await shown(jinja, entity, payload), { state: 'None', availability: 'offline' }, `${what}: ${payload}`);
        }
      }
    });

    test(`payload ${format}: a clamped value is shown; one that Home Assistant would ignore is unknown, not the one before`, async (t) => {
      const jinja = await Jinja.start(t);
      const uncertain = (value: Sample['value'], reason: string): Sample => ({ ...good(value), quality: 'uncertain', reason });
      const clamped = await entityOf({ clamp: { max: 100 } }, format);
      assert.equal((await shown(jinja, clamped, message(format, 't0', uncertain(100, 'out_of_range')))).state, '100');
      const names = await entityOf({ enum: { 0: 'off' } }, format);
      assert.equal((await shown(jinja, names, message(format, 't0', uncertain(7, 'no_name')))).state, 'None');
      const number = await entityOf({ access: 'read_write', write: { min: 10, max: 60 } }, format);
      assert.equal((await shown(jinja, number, message(format, 't0', good(61)))).state, 'None');
      assert.equal((await shown(jinja, number, message(format, 't0', good(60)))).state, '60');
    });
  }

  test('names of tags are taken as they are, whatever is in them', async (t) => {
    const jinja = await Jinja.start(t);
    for (const name of ["it's", 'quoted "x"', 'back\\slash', '}} {% x', 'größe', 'values', 'items']) {
      const { entities } = await announced([{ name }], 'device');
      const entity = entities.find(({ unique_id }) => unique_id.endsWith(`/${name}`))!;
      const payload = message('device', name, good(5));
      assert.deepEqual(await shown(jinja, entity, payload), { state: '5', availability: 'online' }, name);
    }
  });

  test('the state of the device decides, too', async (t) => {
    const jinja = await Jinja.start(t);
    const { entities } = await announced([{}]);
    const tag = entities.find(({ unique_id }) => unique_id.endsWith('/t0'))!;
    assert.equal(tag.availability_mode, 'all');
    const ofDevice = (tag.availability as Availability[]).find(({ topic }) => topic === 'field/meter/$state')!;
    const state = entities.find(({ unique_id }) => unique_id.endsWith('$state'))!;
    for (const [text, availability, value] of [
      ['online', 'online', 'online'],
      ['degraded', 'online', 'degraded'],
      ['offline', 'offline', 'offline'],
      ['unknown', 'offline', 'None'],
    ] as const) {
      const payload = JSON.stringify({ state: text, since: 1 });
      assert.equal(await jinja.render(ofDevice.value_template, payload), availability);
      assert.equal(await jinja.render(String(state.value_template), payload), value);
    }
    assert.equal(await jinja.render(ofDevice.value_template, ''), 'offline');
    assert.equal(await jinja.render(String(state.value_template), ''), 'None');
  });

  test('a text or a name is written as a text, also where it looks like something else', async (t) => {
    const jinja = await Jinja.start(t);
    for (const tag of [
      { enum: { 0: '1', 1: 'true' }, access: 'read_write' },
      { type: 'string', length: 8, access: 'read_write' },
    ]) {
      const template = String((await entityOf(tag)).command_template);
      for (const text of ['1', 'true', 'null', '{"v":2}', 'a "b" <c>']) {
        assert.deepEqual(parseSet(Buffer.from(await jinja.render(template, text))), { value: text, id: null });
      }
    }
  });
});
