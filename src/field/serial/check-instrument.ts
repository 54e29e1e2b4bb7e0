import { type ConfigFault, checkValue, duplicates, type Path } from '../check-parts.js';
import { groupsOf } from './decode.js';
import type { InstrumentConfig } from './schema.js';

/** What the schema of an instrument can't say. */
export function checkInstrument(device: InstrumentConfig, path: Path): ConfigFault[] {
  const { decode } = device;
  const faults = duplicates(decode.fields, [...path, 'decode', 'fields'], 'field');
  for (const [index, field] of decode.fields.entries()) faults.push(...checkValue(field, [...path, 'decode', 'fields', index]));
  if (decode.type === 'text' && decode.fields.length > 1) {
    faults.push({ path: [...path, 'decode', 'fields', 1], message: 'A text is one value.', hint: 'Use csv or regex for several.' });
  }
  if (decode.type === 'regex') faults.push(...checkPattern(decode, [...path, 'decode']));
  else if (decode.pattern !== undefined) {
    faults.push({
      path: [...path, 'decode', 'pattern'],
      message: `decode of type ${decode.type} takes no pattern.`,
      hint: 'Use type regex.',
    });
  }
  const { request } = device;
  if (request !== undefined && request.timeout > request.every) {
    faults.push({
      path: [...path, 'request', 'timeout'],
      message: 'The timeout is longer than the time between requests.',
      hint: 'Shorten it, or ask less often.',
    });
  }
  return faults;
}

function checkPattern(decode: InstrumentConfig['decode'], path: Path): ConfigFault[] {
  if (decode.pattern === undefined)
    return [{ path, message: 'decode of type regex needs a pattern.', hint: 'Add pattern with a named group per field.' }];
  let groups: string[];
  try {
    groups = groupsOf(decode.pattern);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return [
      {
        path: [...path, 'pattern'],
        message: `The pattern is not valid: ${reason}.`,
        hint: 'RE2 syntax: no look-around, no back-references.',
      },
    ];
  }
  return decode.fields.flatMap((field, index) => {
    const group = field.group ?? field.name;
    if (groups.includes(group)) return [];
    const message = `${field.name}: the pattern has no group ${group}.`;
    return [{ path: [...path, 'fields', index], message, hint: `Write (?<${group}>...) around what it is, or name its group.` }];
  });
}
