import { type ConfigFault, checkValue, duplicates, type Path } from '../check-parts.js';
import { checksumLength } from './checksum.js';
import { groupsOf, matchesNothing } from './decode.js';
import { formatter, type NmeaField } from './nmea.js';
import { NMEA_SENTENCES } from './nmea-sentences.js';
import type { DecodeConfig, DecodeOf, FrameConfig, InstrumentConfig } from './schema.js';
import { frameOf, instrumentFields } from './schema.js';
import { type StructField, widthOf } from './struct.js';

/** What the schema of an instrument can't say. */
export function checkInstrument(device: InstrumentConfig, path: Path): ConfigFault[] {
  const { decode, frame, checksum, request } = device;
  const fields = instrumentFields(device);
  const faults = duplicates(fields, [...path, 'decode', 'fields'], 'field');
  for (const [index, field] of fields.entries()) faults.push(...checkValue(field, [...path, 'decode', 'fields', index]));
  if (frame !== undefined) faults.push(...checkFrame(frame, decode, [...path, 'frame']));
  if (checksum !== undefined) faults.push(...checkChecksum(checksum, [...path, 'checksum']));
  faults.push(...checkDecode(decode, [...path, 'decode']));
  if (decode.type === 'struct') faults.push(...checkStructLength(decode, frameOf(device), [...path, 'decode']));
  if (request === undefined) return faults;
  const at: Path = [...path, 'request'];
  faults.push(...checkBytes(request.poll, [...at, 'poll']));
  if (request.timeout > request.every) {
    const message = 'The timeout is longer than the time between requests.';
    faults.push({ path: [...at, 'timeout'], message, hint: 'Shorten it, or ask less often.' });
  }
  if (decode.type === 'raw') {
    faults.push({ path: at, message: 'In raw mode nothing is asked for.', hint: 'Publish what to send on the topic tx.' });
  }
  return faults;
}

/** Keys that are bytes are written as text: no character may stand for more than one. */
function checkBytes(text: string, path: Path): ConfigFault[] {
  const wide = [...text].find((character) => (character.codePointAt(0) ?? 0) > 0xff);
  if (wide === undefined) return [];
  return [{ path, message: `${wide} is no single byte.`, hint: 'Write bytes above 7F as "\\xNN".' }];
}

function checkFrame(frame: FrameConfig, decode: DecodeConfig, path: Path): ConfigFault[] {
  const faults: ConfigFault[] = [];
  for (const key of ['start', 'end', 'escape'] as const) {
    const text = (frame as Partial<Record<typeof key, string>>)[key];
    if (text !== undefined) faults.push(...checkBytes(text, [...path, key]));
  }
  switch (frame.type) {
    case 'stream':
      if (decode.type !== 'raw') {
        faults.push({ path: [...path, 'type'], message: 'A stream has no frames to decode.', hint: 'It is for decode of type raw.' });
      }
      break;
    case 'stx_etx':
      faults.push(...checkMarks(frame, path));
      break;
    case 'length':
      if (frame.start !== undefined && frame.start.length > frame.length) {
        faults.push({
          path: [...path, 'length'],
          message: 'The frame is shorter than its start.',
          hint: 'The length counts all of its bytes.',
        });
      }
      break;
    case 'length_field':
      if (frame.start !== undefined && frame.at < frame.start.length) {
        faults.push({
          path: [...path, 'at'],
          message: 'The length stands within the start.',
          hint: 'Positions count from the first byte of the frame.',
        });
      }
      if (frame.encoding === 'binary' && frame.size > 4) {
        faults.push({ path: [...path, 'size'], message: `A binary length has no ${frame.size} bytes.`, hint: 'At most 4.' });
      }
      break;
    case 'regex':
      faults.push(...checkPattern(frame.pattern, [...path, 'pattern']).faults);
      break;
    case 'delimiter':
    case 'silence':
      break;
  }
  return faults;
}

function checkMarks({ start, end, escape: mark }: Extract<FrameConfig, { type: 'stx_etx' }>, path: Path): ConfigFault[] {
  const faults: ConfigFault[] = [];
  const add = (key: string, message: string, hint: string) => faults.push({ path: [...path, key], message, hint });
  if (start === end) add('end', 'Start and end are the same.', 'Use type delimiter for frames with one mark between them.');
  if (mark === undefined) return faults;
  if (mark === start || mark === end) {
    add(
      'escape',
      'The escape is one of the marks itself: no frame would ever end.',
      'Leave it out, or name the byte that comes before a mark.',
    );
    return faults;
  }
  const areEscaped = [start, end].map((text) => text.startsWith(mark));
  if (areEscaped[0] !== areEscaped[1])
    add('escape', 'Only one of start and end begins with the escape.', 'Both do (DLE STX, DLE ETX), or none.');
  else if ([start, end].some((text) => text.length !== (areEscaped[0] === true ? 2 : 1))) {
    add('escape', 'With an escape, start and end are one byte, or the escape and one byte.', 'Leave the escape out, or shorten them.');
  }
  return faults;
}

function checkChecksum(checksum: NonNullable<InstrumentConfig['checksum']>, path: Path): ConfigFault[] {
  const faults: ConfigFault[] = [];
  const add = (key: string, message: string, hint: string) => faults.push({ path: [...path, key], message, hint });
  const length = checksumLength(checksum);
  if (checksum.variant !== undefined && checksum.type !== 'crc16_ccitt')
    add('variant', `${checksum.type} has no variants.`, 'Leave it out.');
  if (checksum.digits !== undefined && checksum.encoding !== 'decimal') add('digits', 'Digits are for encoding decimal.', 'Leave it out.');
  if (checksum.at !== undefined && checksum.at < 0 && -checksum.at < length) {
    add('at', `There is no place for ${length} bytes ${-checksum.at} before the end.`, `At most ${-length}.`);
  }
  const { from, to } = checksum;
  if (to !== undefined && from < 0 === to < 0 && from >= to)
    add('to', 'It ends before it begins.', 'to is the first byte that is not covered.');
  return faults;
}

function checkDecode(decode: DecodeConfig, path: Path): ConfigFault[] {
  switch (decode.type) {
    case 'text':
      if (decode.fields.length === 1) return [];
      return [{ path: [...path, 'fields', 1], message: 'A text is one value.', hint: 'Use csv or regex for several.' }];
    case 'regex':
      return checkRegexDecode(decode, path);
    case 'struct':
      return decode.fields.flatMap((field, index) => checkStructField(field, [...path, 'fields', index]));
    case 'nmea':
      return decode.fields.flatMap((field, index) => checkNmeaField(field, [...path, 'fields', index]));
    case 'raw':
      return checkRaw(decode, path);
    case 'json':
    case 'csv':
    case 'obis':
      return [];
  }
}

function checkPattern(pattern: string, path: Path): { faults: ConfigFault[]; groups: string[] } {
  try {
    const groups = groupsOf(pattern);
    if (!matchesNothing(pattern)) return { faults: [], groups };
    return {
      faults: [{ path, message: 'The pattern fits an empty text.', hint: 'Say at least one character that is always there.' }],
      groups,
    };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const message = `The pattern is not valid: ${reason}.`;
    return { faults: [{ path, message, hint: 'RE2 syntax: no look-around, no back-references.' }], groups: [] };
  }
}

function checkRegexDecode(decode: DecodeOf<'regex'>, path: Path): ConfigFault[] {
  const { faults, groups } = checkPattern(decode.pattern, [...path, 'pattern']);
  if (faults.length > 0) return faults;
  return decode.fields.flatMap((field, index) => {
    const group = field.group ?? field.name;
    if (groups.includes(group)) return [];
    const message = `${field.name}: the pattern has no group ${group}.`;
    return [{ path: [...path, 'fields', index], message, hint: `Write (?<${group}>...) around what it is, or name its group.` }];
  });
}

function checkStructField(field: StructField, path: Path): ConfigFault[] {
  const width = widthOf(field);
  const fault = (key: string, message: string, hint: string) => [{ path: [...path, key], message: `${field.name}: ${message}`, hint }];
  if (width === null) return [{ path, message: `${field.name}: ${field.format} needs a length.`, hint: 'Say how many bytes it has.' }];
  if (field.length !== undefined && field.format !== 'bcd' && field.format !== 'text') {
    return fault('length', `${field.format} has a length of its own.`, 'Leave it out.');
  }
  if (field.at < 0 && -field.at < width)
    return fault('at', `there are no ${width} bytes ${-field.at} before the end.`, `At most ${-width}.`);
  if (field.bit !== undefined && (!/^u?int/.test(field.format) || field.bit >= width * 8)) {
    return fault('bit', `${field.format} has no bit ${field.bit}.`, 'Bits are of integers, 0 is the lowest.');
  }
  return [];
}

/** Fields behind the end of the longest frame there can be never have a value. */
function checkStructLength(decode: DecodeOf<'struct'>, frame: FrameConfig, path: Path): ConfigFault[] {
  const longest = decode.size ?? (frame.type === 'length' ? frame.length : frame.max);
  return decode.fields.flatMap((field, index) => {
    const width = widthOf(field) ?? 0;
    const needed = field.at < 0 ? -field.at : field.at + width;
    if (needed <= longest) return [];
    const message = `${field.name}: it needs ${needed} bytes, and there are ${longest} at the most.`;
    return [{ path: [...path, 'fields', index, 'at'], message, hint: 'Correct at, or the length of the frame.' }];
  });
}

function checkNmeaField(field: NmeaField, path: Path): ConfigFault[] {
  const { name, sentence, column, item, type } = field;
  if ((column === undefined) === (item === undefined)) {
    return [{ path, message: `${name}: it needs a column or an item, and not both.`, hint: 'Write column: 2, or item: latitude.' }];
  }
  if (item === undefined) return [];
  const known = NMEA_SENTENCES[formatter(sentence)];
  if (known === undefined) {
    const hint = `Name its column. Items are known of ${Object.keys(NMEA_SENTENCES).join(', ')}.`;
    return [{ path: [...path, 'item'], message: `${name}: the items of ${sentence} have no names here.`, hint }];
  }
  const found = Object.hasOwn(known.items, item) ? known.items[item] : undefined;
  if (found === undefined) {
    return [
      {
        path: [...path, 'item'],
        message: `${name}: ${sentence} has no item ${item}.`,
        hint: `It has ${Object.keys(known.items).join(', ')}.`,
      },
    ];
  }
  if ((found.kind === 'time' || found.kind === 'date') && type !== 'string') {
    return [{ path, message: `${name}: ${item} is a text.`, hint: 'Add type: string.' }];
  }
  return [];
}

function checkRaw(decode: DecodeOf<'raw'>, path: Path): ConfigFault[] {
  const faults: ConfigFault[] = [];
  for (const key of ['rx', 'tx'] as const) {
    const topic = decode[key];
    if (topic === undefined) continue;
    const add = (message: string, hint: string) => faults.push({ path: [...path, key], message, hint });
    if (/[+#]/.test(topic)) add(`${topic} has a wildcard in it.`, 'Name one topic.');
    const unknown = /\{(?!device\})[^}]*\}?/.exec(topic)?.[0];
    if (unknown !== undefined) add(`${topic} has the unknown placeholder ${unknown}.`, 'There is {device}.');
    if (topic.startsWith('$') || topic.startsWith('/')) add(`${topic} begins with ${topic[0]}.`, 'Begin with a name.');
  }
  return faults;
}
