import { type ConfigEdit, editText } from '../config/edit.js';
import type { Config } from '../config/schema.js';
import { ConfigSource } from '../config/source.js';
import type { InstrumentPlace, NewInstrument } from '../console/device-setup.js';
import { FerruleError, messageOf } from '../errors.js';
import { instrumentFields } from '../field/serial/schema.js';
import type { Draft } from './config-edits.js';
import { writtenList } from './written-field.js';

/** The configuration `text` of `file` with the instrument in it. */
export function instrumentDraft(file: string, text: string, { name, bus, newBus, settings }: NewInstrument): Draft {
  const { value, faults } = readSettings(settings);
  const edits: ConfigEdit[] = [];
  if (newBus !== null) {
    edits.push({ op: 'set', path: ['field', 'buses', writtenList(file, text, 'buses').length], value: busOf(bus, newBus) });
  }
  const device = { name, bus, ...value };
  edits.push({ op: 'set', path: ['field', 'devices', writtenList(file, text, 'devices').length], value: device, isCompact: true });
  return { text: faults.length > 0 ? text : editText(text, edits), lists: new Map(), newLists: [], faults };
}

/** Name and bus are said elsewhere. */
function readSettings(text: string): { value: object; faults: FerruleError[] } {
  const source = new ConfigSource('settings', text);
  const faults = source.syntaxErrors();
  if (faults.length > 0) return { value: {}, faults };
  let value: unknown;
  try {
    value = source.toValue();
  } catch (error) {
    return { value: {}, faults: [error instanceof FerruleError ? error : fault(messageOf(error))] };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { value: {}, faults: [fault('These are no keys with values.')] };
  const { name: _name, bus: _bus, ...rest } = value as Record<string, unknown>;
  if (!('decode' in rest)) return { value: {}, faults: [fault('There is no decode: nothing says how bytes become values.')] };
  return { value: rest, faults: [] };
}

function fault(message: string): FerruleError {
  const hint = 'Write it as the configuration has it: decode, with frame, checksum and request where they are needed.';
  return new FerruleError('FER_CONFIG_VALUE', message, { where: { file: 'settings', line: 1 }, hint });
}

/** Without what is the default anyway. */
function busOf(name: string, where: InstrumentPlace): Record<string, unknown> {
  if (where.kind === 'host') return { name, type: 'serial_tcp', host: where.host, ...(where.port === 4001 ? {} : { port: where.port }) };
  const { port, baud, data_bits, parity, stop_bits } = where;
  return {
    ...{ name, type: 'serial', port, baud },
    ...(data_bits === 8 ? {} : { data_bits }),
    ...(parity === 'none' ? {} : { parity }),
    ...(stop_bits === 1 ? {} : { stop_bits }),
  };
}

/** Tags of an instrument. */
export function fieldsOf(config: Config, name: string): number {
  const device = config.field.devices.find((each) => each.name === name);
  return device !== undefined && 'decode' in device ? instrumentFields(device).length : 0;
}
