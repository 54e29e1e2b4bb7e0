import { Duration, Size } from '../../config/units.js';
import { type Static, Type } from '../../schema-types.js';
import { literals, Name, object, valueKeys } from '../schema-parts.js';

/** The configuration of serial instruments. After loading, durations are ms and sizes bytes. */

const Bytes = (text: string) => Type.String({ minLength: 1, description: text });

export const FrameSchema = object(
  {
    type: Type.Literal('delimiter', { description: 'Frames end with a delimiter.' }),
    start: Type.Optional(Bytes('What a frame starts with; bytes before it are dropped.')),
    end: Type.String({ minLength: 1, default: '\n', description: 'What a frame ends with; a CR before a bare LF is dropped.' }),
    escape: Type.Optional(Bytes('A byte that makes the next one ordinary.')),
    max: Size({ default: '4KiB', description: 'Longest frame; a longer one is dropped and counted.' }),
  },
  'How the bytes are cut into frames.',
);

export const FIELD_TYPES = ['float', 'int', 'string', 'bool'] as const;

const fieldKeys = {
  name: Name('Name of the tag.'),
  type: literals(FIELD_TYPES, { default: 'float', description: 'Type of the value.' }),
  ...valueKeys,
};

const DecodeFieldSchema = object(
  {
    ...fieldKeys,
    group: Type.Optional(Type.String({ description: 'regex: named group. Default: the name.' })),
    path: Type.Optional(Type.String({ description: 'json: path with dots (`a.b.0`). Default: the name.' })),
    column: Type.Optional(Type.Integer({ minimum: 0, description: 'csv: column, from 0. Default: the place in this list.' })),
  },
  'A value of the frame.',
);

export const DecodeSchema = object(
  {
    type: literals(['text', 'json', 'csv', 'regex'] as const, { description: 'What a frame is.' }),
    encoding: literals(['utf8', 'latin1'] as const, {
      default: 'utf8',
      description: 'Character set; a frame that is not of it is dropped.',
    }),
    pattern: Type.Optional(Type.String({ minLength: 1, maxLength: 1000, description: 'regex: RE2 pattern with named groups.' })),
    separator: Type.String({ minLength: 1, maxLength: 1, default: ',', description: 'csv: what stands between columns.' }),
    fields: Type.Array(DecodeFieldSchema, { minItems: 1, description: 'The values of a frame.' }),
  },
  'How a frame becomes values.',
);

export const InstrumentSchema = object(
  {
    name: Name('Name of the device.'),
    bus: Type.String({ description: 'Serial bus the instrument is on.' }),
    request: Type.Optional(
      object(
        {
          poll: Type.String({ minLength: 1, description: 'Text that is sent to ask for a frame.' }),
          every: Duration({ default: '5s', description: 'How often it is sent.' }),
          timeout: Duration({ default: '500ms', description: 'How long the answer may take.' }),
        },
        'Asks for frames; without it the instrument is listened to.',
      ),
    ),
    stale_after: Duration({
      default: '60s',
      description: 'An instrument that is listened to and says nothing for this long has stale values. 0: they never go stale.',
    }),
    frame: FrameSchema,
    decode: DecodeSchema,
  },
  'A serial instrument.',
);

export type InstrumentConfig = Static<typeof InstrumentSchema>;
export type FrameConfig = Static<typeof FrameSchema>;
export type DecodeConfig = Static<typeof DecodeSchema>;
export type DecodeFieldConfig = DecodeConfig['fields'][number];
