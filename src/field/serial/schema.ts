import { Duration, Size } from '../../config/units.js';
import { type Static, type TSchema, Type } from '../../schema-types.js';
import { literals, Name, object, valueKeys } from '../schema-parts.js';
import { CHECKSUMS } from './checksum.js';

/** The configuration of serial instruments. After loading, durations are ms and sizes bytes. */

const Bytes = (text: string, more: { default?: string; maxLength?: number } = {}) =>
  Type.String({ minLength: 1, maxLength: 64, description: text, ...more });

const max = Size({ default: '4KiB', min: '1B', max: '64KiB', description: 'Longest frame; a longer one is dropped and counted.' });
const gap = (value: string, text: string) => Duration({ default: value, min: '1ms', max: '1h', description: text });
const ALIGN = 'A pause this long ends what was begun and not complete: the next byte begins a frame.';

export const DelimiterFrameSchema = object(
  {
    type: Type.Literal('delimiter', { description: 'Frames end with a delimiter.' }),
    start: Type.Optional(Bytes('What a frame starts with; bytes before it are dropped.')),
    end: Bytes('What a frame ends with; a CR before a bare LF is dropped.', { default: '\n' }),
    escape: Type.Optional(Bytes('A byte that makes the next one ordinary.', { maxLength: 1 })),
    max,
  },
  'Frames that end with a delimiter, such as lines.',
);

export const StxEtxFrameSchema = object(
  {
    type: Type.Literal('stx_etx', { description: 'Frames between a start and an end, with a check sum behind the end.' }),
    start: Bytes('What a frame starts with.', { default: '\x02', maxLength: 4 }),
    end: Bytes('What it ends with.', { default: '\x03', maxLength: 4 }),
    escape: Type.Optional(
      Bytes('The byte (DLE is "\\x10") that makes the next one ordinary, or that start and end begin with (DLE STX, DLE ETX).', {
        maxLength: 1,
      }),
    ),
    trailer: Type.Integer({
      minimum: 0,
      maximum: 16,
      default: 0,
      description: 'Bytes behind the end that belong to the frame: its check sum.',
    }),
    max,
  },
  'Frames between a start and an end.',
);

export const LengthFrameSchema = object(
  {
    type: Type.Literal('length', { description: 'Frames that all have the same length.' }),
    length: Type.Integer({ minimum: 1, maximum: 65536, description: 'Bytes of a frame, its start included.' }),
    start: Type.Optional(Bytes('What every frame starts with.', { maxLength: 4 })),
    gap: gap('50ms', ALIGN),
  },
  'Frames of one length.',
);

export const LengthFieldFrameSchema = object(
  {
    type: Type.Literal('length_field', { description: 'Frames that say how long they are.' }),
    start: Type.Optional(Bytes('What every frame starts with.', { maxLength: 4 })),
    at: Type.Integer({
      minimum: 0,
      maximum: 255,
      default: 0,
      description: 'Where the length stands, from the first byte of the frame, which is 0.',
    }),
    size: Type.Integer({ minimum: 1, maximum: 8, default: 1, description: 'Bytes of the length.' }),
    encoding: literals(['binary', 'hex', 'decimal'] as const, { default: 'binary', description: 'How the length is written.' }),
    endian: literals(['big', 'little'] as const, { default: 'big', description: 'binary: which of its bytes comes first.' }),
    add: Type.Optional(
      Type.Integer({
        minimum: -255,
        maximum: 255,
        description:
          'Bytes of a frame that its length does not count. Default: all up to the length and itself, so it counts what follows.',
      }),
    ),
    gap: gap('50ms', ALIGN),
    max,
  },
  'Frames that say how long they are.',
);

export const RegexFrameSchema = object(
  {
    type: Type.Literal('regex', { description: 'Frames that fit a pattern; for what no other type can tell apart.' }),
    pattern: Type.String({
      minLength: 1,
      maxLength: 1000,
      description: 'RE2 pattern of a whole frame, from its first to its last character; bytes are latin1 characters.',
    }),
    gap: gap('50ms', 'A frame that ends where the bytes end is complete after a pause this long: more could belong to it.'),
    max: Size({ default: '1KiB', min: '1B', max: '16KiB', description: 'Longest frame; what is longer is dropped and counted.' }),
  },
  'Frames that fit a pattern.',
);

export const SilenceFrameSchema = object(
  {
    type: Type.Literal('silence', { description: 'Frames that are told apart by pauses only.' }),
    gap: gap('50ms', 'A pause this long ends a frame. Through a TCP serial server pauses are not reliable.'),
    max,
  },
  'Frames with pauses between them.',
);

export const StreamFrameSchema = object(
  {
    type: Type.Literal('stream', { description: 'No frames, for decode of type raw: a message ends at a pause, or when it is full.' }),
    gap: gap('20ms', 'A pause this long ends a message.'),
    max: Size({ default: '4KiB', min: '1B', max: '64KiB', description: 'Bytes of the longest message; the rest goes into the next.' }),
  },
  'Bytes as they come.',
);

export const FrameSchema = Type.Union(
  [
    DelimiterFrameSchema,
    StxEtxFrameSchema,
    LengthFrameSchema,
    LengthFieldFrameSchema,
    RegexFrameSchema,
    SilenceFrameSchema,
    StreamFrameSchema,
  ],
  { description: 'How the bytes are cut into frames. Default: as decode needs it (nmea, obis, raw), else lines.' },
);

export const ChecksumSchema = object(
  {
    type: literals(CHECKSUMS, {
      description:
        'xor: all bytes XORed (BCC). sum8: sum modulo 256. lrc: its two\'s complement (as in Modbus ASCII). crc16_modbus, crc16_arc (also "CRC-16", DSMR), crc16_ccitt (see variant), crc32 (as in zip and Ethernet).',
    }),
    variant: Type.Optional(
      literals(['ccitt_false', 'xmodem', 'kermit', 'x25', 'aug_ccitt'] as const, {
        description:
          'crc16_ccitt: of "123456789" ccitt_false (the default) gives 29B1, xmodem 31C3, kermit 2189, x25 906E, aug_ccitt E5CC.',
      }),
    ),
    from: Type.Integer({
      default: 0,
      description:
        'First byte that it covers; negative: counted from the end. 0 is the first byte of the frame, its start included; the end of a delimiter is not part of the frame, escapes are removed.',
    }),
    to: Type.Optional(
      Type.Integer({
        description: 'First byte that it does not cover any more; negative: counted from the end. Default: where the check sum stands.',
      }),
    ),
    at: Type.Optional(Type.Integer({ description: 'Where it stands; negative: counted from the end. Default: at the end.' })),
    encoding: literals(['hex', 'binary', 'decimal'] as const, { default: 'hex', description: 'How it is written: as digits or as bytes.' }),
    digits: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 10, description: 'decimal: how many digits it has. Default: as many as the largest one needs.' }),
    ),
    order: Type.Optional(
      literals(['big', 'little'] as const, {
        description: 'Which byte of it comes first. Default: the high one (big); little for crc16_modbus and crc16_arc in binary.',
      }),
    ),
  },
  'A frame whose check sum is wrong is counted and never used.',
);

export const FIELD_TYPES = ['float', 'int', 'string', 'bool'] as const;

const fieldKeys = {
  name: Name('Name of the tag.'),
  type: literals(FIELD_TYPES, { default: 'float', description: 'Type of the value.' }),
  ...valueKeys,
};
const fieldsOf = <T extends TSchema>(field: T) => Type.Array(field, { minItems: 1, description: 'The values of a frame.' });

const textKeys = {
  encoding: literals(['utf8', 'latin1'] as const, { default: 'utf8', description: 'Character set; a frame that is not of it is dropped.' }),
};
const partKeys = {
  from: Type.Optional(
    Type.Integer({ description: 'First byte to decode of what stands between start and end; negative: counted from the end.' }),
  ),
  to: Type.Optional(Type.Integer({ description: 'First byte not to decode any more (-3 leaves out "*5A" at the end).' })),
};

export const TextDecodeSchema = object(
  {
    type: Type.Literal('text', { description: 'The whole frame is one value.' }),
    ...textKeys,
    ...partKeys,
    fields: fieldsOf(object(fieldKeys, 'The value of the frame.')),
  },
  'A frame that is one value.',
);

export const JsonDecodeSchema = object(
  {
    type: Type.Literal('json', { description: 'A JSON object.' }),
    ...textKeys,
    ...partKeys,
    fields: fieldsOf(
      object(
        { ...fieldKeys, path: Type.Optional(Type.String({ description: 'Path with dots (`a.b.0`). Default: the name.' })) },
        'A value of the frame.',
      ),
    ),
  },
  'A JSON object.',
);

export const CsvDecodeSchema = object(
  {
    type: Type.Literal('csv', { description: 'Columns with something between them.' }),
    ...textKeys,
    ...partKeys,
    separator: Type.String({ minLength: 1, maxLength: 1, default: ',', description: 'What stands between columns.' }),
    fields: fieldsOf(
      object(
        {
          ...fieldKeys,
          column: Type.Optional(Type.Integer({ minimum: 0, description: 'Column, from 0. Default: the place in this list.' })),
        },
        'A value of the frame.',
      ),
    ),
  },
  'Columns.',
);

export const RegexDecodeSchema = object(
  {
    type: Type.Literal('regex', { description: 'A text that fits a pattern.' }),
    ...textKeys,
    ...partKeys,
    pattern: Type.String({
      minLength: 1,
      maxLength: 1000,
      description: 'RE2 pattern with named groups; a frame that does not fit is dropped.',
    }),
    fields: fieldsOf(
      object(
        { ...fieldKeys, group: Type.Optional(Type.String({ description: 'Named group. Default: the name.' })) },
        'A value of the frame.',
      ),
    ),
  },
  'A text that fits a pattern.',
);

export const BINARY_FORMATS = [
  'int8',
  'uint8',
  'int16',
  'uint16',
  'int24',
  'uint24',
  'int32',
  'uint32',
  'int64',
  'uint64',
  'float32',
  'float64',
  'bcd',
  'text',
] as const;

const endianKey = (text: string) => literals(['big', 'little'] as const, { description: text });

export const StructDecodeSchema = object(
  {
    type: Type.Literal('struct', { description: 'Bytes at fixed places.' }),
    ...partKeys,
    endian: Type.Unsafe<'big' | 'little'>({ ...endianKey('Which byte of a number comes first.'), default: 'big' }),
    size: Type.Optional(Type.Integer({ minimum: 1, description: 'Bytes of what is decoded; with another length the frame is dropped.' })),
    fields: fieldsOf(
      object(
        {
          ...fieldKeys,
          at: Type.Integer({ description: 'Where it begins; 0 is the first byte of what is decoded, negative: counted from the end.' }),
          format: literals(BINARY_FORMATS, {
            description: 'What stands there. bcd: two digits in a byte. text: characters, of which `type` makes a value.',
          }),
          length: Type.Optional(Type.Integer({ minimum: 1, maximum: 255, description: 'bcd, text: how many bytes.' })),
          endian: Type.Optional(endianKey('Which byte comes first, where it differs.')),
          bit: Type.Optional(Type.Integer({ minimum: 0, maximum: 63, description: 'One bit of the integer; 0 is the lowest.' })),
        },
        'A value of the frame.',
      ),
    ),
  },
  'A binary layout.',
);

export const NmeaDecodeSchema = object(
  {
    type: Type.Literal('nmea', { description: 'NMEA 0183 sentences; their check sum is verified, one without is dropped.' }),
    fields: fieldsOf(
      object(
        {
          ...fieldKeys,
          sentence: Type.String({
            pattern: '^[A-Z0-9]{3,8}$',
            description: 'Sentence it is in: GGA (of any talker), or with its talker (GPGGA, PGRME).',
          }),
          column: Type.Optional(
            Type.Integer({ minimum: 1, maximum: 255, description: 'Its place; 1 is the first behind the name of the sentence.' }),
          ),
          item: Type.Optional(
            Type.String({ minLength: 1, description: 'Its name, for known sentences: latitude, longitude, speed, ... (docs/serial.md).' }),
          ),
        },
        'A value of a sentence.',
      ),
    ),
  },
  'NMEA 0183.',
);

export const ObisDecodeSchema = object(
  {
    type: Type.Literal('obis', { description: 'Telegrams of meters with OBIS codes: DSMR P1, IEC 62056-21.' }),
    crc: literals(['required', 'none'] as const, {
      default: 'required',
      description: 'The CRC behind the "!" (DSMR 4 and later). none: the meter sends none; give the frame a checksum where it has another.',
    }),
    fields: fieldsOf(
      object(
        {
          ...fieldKeys,
          code: Type.String({
            minLength: 1,
            maxLength: 32,
            pattern: '^([0-9]{1,3}-[0-9]{1,3}:)?[0-9A-Za-z]{1,3}(\\.[0-9A-Za-z]{1,3}){1,2}([*&][0-9]{1,3})?$',
            description: 'OBIS code as the meter writes it: "1-0:1.8.1", "1.8.0".',
            'x-allowed': 'OBIS codes such as 1-0:1.8.1, 1.8.0 or 0-0:96.14.0*255',
          }),
          value: Type.Optional(
            Type.Integer({ minimum: 0, maximum: 31, description: 'Which pair of brackets, from 0. Default: the last.' }),
          ),
          max_age: Type.Optional(
            Duration({
              min: '1s',
              description:
                'How old the value may be by the time that stands before it, until it is stale. Default: 150 min for what the meter has from others (gas, heat, water: 0-1:24.2.1), else without end.',
            }),
          ),
        },
        'A value of the telegram. A unit that differs only by k or M from the one in the telegram is converted; another one is an error.',
      ),
    ),
  },
  'Telegrams of meters.',
);

export const RawDecodeSchema = object(
  {
    type: Type.Literal('raw', { description: 'Bytes to a topic and back; no tags.' }),
    rx: Type.String({ minLength: 1, default: 'field/{device}/rx', description: 'Topic where what was received is published.' }),
    tx: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'Topic whose messages are sent, each as it is; best field/{device}/tx. Without it nothing is sent.',
      }),
    ),
    payload: literals(['binary', 'hex'] as const, {
      default: 'binary',
      description: 'Form of both: the bytes themselves, or hexadecimal digits.',
    }),
    max_send: Size({
      default: '4KiB',
      min: '1B',
      max: '64KiB',
      description: 'Longest message that is sent; a longer one is refused and counted.',
    }),
  },
  'Bytes to a topic and back.',
);

export const DecodeSchema = Type.Union(
  [
    TextDecodeSchema,
    JsonDecodeSchema,
    CsvDecodeSchema,
    RegexDecodeSchema,
    StructDecodeSchema,
    NmeaDecodeSchema,
    ObisDecodeSchema,
    RawDecodeSchema,
  ],
  { description: 'How a frame becomes values.' },
);

export const InstrumentSchema = object(
  {
    name: Name('Name of the device.'),
    bus: Type.String({ description: 'Serial bus the instrument is on.' }),
    request: Type.Optional(
      object(
        {
          poll: Type.String({ minLength: 1, maxLength: 256, description: 'Text that is sent to ask for a frame ("\\x05" is the byte 5).' }),
          every: Duration({ default: '5s', min: '10ms', description: 'How often it is sent.' }),
          timeout: Duration({ default: '500ms', min: '1ms', description: 'How long the answer may take.' }),
        },
        'Asks for frames; without it the instrument is listened to.',
      ),
    ),
    stale_after: Duration({
      default: '60s',
      description:
        'Values of an instrument that is listened to are stale when nothing was heard of them for this long. 0: they never go stale.',
    }),
    frame: Type.Optional(FrameSchema),
    checksum: Type.Optional(ChecksumSchema),
    decode: DecodeSchema,
  },
  'A serial instrument.',
);

export type InstrumentConfig = Static<typeof InstrumentSchema>;
export type FrameConfig = Static<typeof FrameSchema>;
export type FrameOf<T extends FrameConfig['type']> = Extract<FrameConfig, { type: T }>;
export type ChecksumConfig = Static<typeof ChecksumSchema>;
export type DecodeConfig = Static<typeof DecodeSchema>;
export type DecodeOf<T extends DecodeConfig['type']> = Extract<DecodeConfig, { type: T }>;
/** What the fields of every decoder have. */
export type DecodeFieldConfig = DecodeOf<'text'>['fields'][number];

/** Payload `device`: the values of an instrument are one message, under this name. */
export const FRAME_GROUP = 'frame';

/** The values of an instrument; none in raw mode. */
export function instrumentFields(config: InstrumentConfig): readonly DecodeFieldConfig[] {
  return config.decode.type === 'raw' ? [] : config.decode.fields;
}

/** How an instrument's bytes are cut where its configuration does not say. */
export function frameOf({ frame, decode }: InstrumentConfig): FrameConfig {
  if (frame !== undefined) return frame;
  switch (decode.type) {
    case 'raw':
      return { type: 'stream', gap: 20, max: 4096 };
    case 'obis':
      return { type: 'stx_etx', start: '/', end: '!', trailer: decode.crc === 'required' ? 4 : 0, max: 8192 };
    case 'nmea':
      return { type: 'delimiter', end: '\n', max: 256 };
    default:
      return { type: 'delimiter', end: '\n', max: 4096 };
  }
}
