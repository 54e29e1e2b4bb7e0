/** The shapes of the tools on site, like api-schemas.ts. They mirror field-tools.ts. */
import { Type } from '../schema-types.js';
import { nullable, TagValue, words } from './api-schemas.js';

const text = Type.String();
const count = Type.Number();
const ms = (what: string) => nullable(Type.Number(), `${what}, ms; null: none yet.`);
export const AreaWord = words(['holding', 'input', 'coil', 'discrete'], 'Table of the device.');

export const UnitStatistics = Type.Object(
  {
    unit: Type.Number({ description: 'Unit id.' }),
    isDown: Type.Boolean({ description: 'It has stopped answering and is only asked now and then.' }),
    counters: Type.Object({ requests: count, answers: count, timeouts: count, exceptions: count, crcErrors: count, late: count }),
    latency: Type.Object(
      {
        measured: Type.Number({ description: 'Answers that were measured.' }),
        smoothed: ms('Smoothed'),
        p50: ms('Half of the answers came within'),
        p90: ms('Nine of ten came within'),
        p99: ms('99 of 100 came within'),
        max: ms('The longest'),
        buckets: Type.Array(Type.Object({ upTo: Type.Number({ description: 'ms.' }), count })),
      },
      { description: 'How long answers took. Percentiles are right within a quarter.' },
    ),
  },
  { $id: 'UnitStatistics' },
);

export const ReadPlan = Type.Object(
  {
    scan: Type.String({ description: 'Scan class.' }),
    periodMs: count,
    costMs: Type.Number({ description: 'What a scan takes by the cost model of the bus.' }),
    lastMs: ms('What the last scan took'),
    overruns: Type.Number({ description: 'Periods that were skipped because the scan before had not ended.' }),
    blocks: Type.Array(
      Type.Object({
        area: AreaWord,
        address: Type.Number({ description: '0-based.' }),
        count: Type.Number({ description: 'Registers or bits that are read.' }),
        unused: Type.Number({ description: 'Those of them that no tag needs: cheaper than another request.' }),
        costMs: count,
        tags: Type.Array(text),
      }),
      { description: 'The requests of a scan.' },
    ),
    avoided: Type.Array(
      Type.Object({
        area: AreaWord,
        from: count,
        to: count,
        why: words(
          ['forbidden', 'refused', 'not_with_before'],
          'By the configuration; refused by the device; refused when it was read together with what is before it.',
        ),
      }),
      { description: 'What no request reads over, both ends included.' },
    ),
  },
  { $id: 'ReadPlan' },
);

export const Explored = Type.Object(
  {
    area: AreaWord,
    unit: count,
    at: Type.Number({ description: 'When it was read, ms since the epoch.' }),
    orders: Type.Record(Type.String(), Type.Array(text), {
      description: 'Byte orders of the values of a type, by how many registers it has: "1", "2", "4".',
    }),
    text: Type.Union([Type.Object({ AB: text, BA: text }), Type.Null()], { description: 'The range as text, in both byte orders.' }),
    places: Type.Array(
      Type.Object({
        address: Type.Number({ description: '0-based.' }),
        modicon: Type.String({ description: 'As manuals write it: 40001.' }),
        raw: Type.Number({ description: 'The register, or the bit.' }),
        values: Type.Record(Type.String(), Type.Array(TagValue), {
          description: 'By type: a value for each order; null: none. The registers from this one on, as many as the type has.',
        }),
      }),
    ),
  },
  { $id: 'Explored' },
);

export const RegisterWriteBody = Type.Object(
  {
    unit: Type.Integer({ minimum: 1, maximum: 255 }),
    area: words(['holding', 'coil']),
    address: Type.Integer({ minimum: 0, maximum: 65535, description: '0-based.' }),
    value: TagValue,
    bit: Type.Optional(Type.Integer({ minimum: 0, maximum: 15, description: 'Bit of the register.' })),
    type: Type.Optional(Type.String({ maxLength: 16, description: 'As of a tag: float32. Default: uint16, of a coil bool.' })),
    order: Type.Optional(Type.String({ maxLength: 8, description: 'As of a tag: CDAB. Default: ABCD.' })),
    multiple: Type.Optional(Type.Boolean({ description: 'Write one register or coil with FC 16 or 15 too.' })),
  },
  { additionalProperties: false },
);

const LineSettings = Type.Object(
  {
    baud: Type.Array(Type.Integer({ minimum: 50, maximum: 4_000_000 }), { minItems: 1, maxItems: 16 }),
    parity: Type.Array(words(['none', 'even', 'odd']), { minItems: 1, maxItems: 3 }),
    data_bits: Type.Optional(
      Type.Array(Type.Unsafe<7 | 8>({ type: 'number', enum: [7, 8] }), {
        minItems: 1,
        maxItems: 2,
        description: 'Default: 8; for ASCII frames 7; of a bus its own.',
      }),
    ),
    stop_bits: Type.Optional(Type.Unsafe<1 | 1.5 | 2>({ type: 'number', enum: [1, 1.5, 2] })),
  },
  { additionalProperties: false, description: 'Serial settings: every baud rate is tried with all data bits and every parity.' },
);

const ScanWhere = Type.Union(
  [
    Type.Object(
      {
        kind: Type.Literal('bus'),
        bus: Type.String({ minLength: 1, maxLength: 256 }),
        suspend: Type.Optional(Type.Boolean({ description: 'The bus stands still meanwhile; needed for `line`. Administrators only.' })),
        line: Type.Optional(LineSettings),
      },
      { additionalProperties: false, description: 'A bus of the gateway, between its own requests.' },
    ),
    Type.Object(
      {
        kind: Type.Literal('line'),
        port: Type.String({ minLength: 1, maxLength: 4096 }),
        framing: Type.Optional(words(['rtu', 'ascii'], 'Frames on the line. Default: rtu.')),
        line: LineSettings,
      },
      { additionalProperties: false, description: 'A serial port that no bus uses. Administrators only.' },
    ),
    Type.Object(
      {
        kind: Type.Literal('host'),
        host: Type.String({ minLength: 1, maxLength: 253 }),
        port: Type.Integer({ minimum: 1, maximum: 65535 }),
        framing: words(['tcp', 'rtu', 'ascii'], 'rtu, ascii: such frames through a serial server.'),
      },
      { additionalProperties: false, description: 'A Modbus TCP server or a serial server. Administrators only.' },
    ),
  ],
  { description: 'What is scanned.' },
);

export const ScanBody = Type.Object(
  {
    where: ScanWhere,
    units: Type.Array(Type.Integer({ minimum: 0, maximum: 255 }), { minItems: 1, maxItems: 256, description: 'Unit ids to ask.' }),
    timeoutMs: Type.Optional(
      Type.Integer({ minimum: 20, maximum: 10_000, description: 'How long a unit may take. Default: what is usual there.' }),
    ),
    identifies: Type.Boolean({ default: true, description: 'Ask the units that are found who they are (function 43).' }),
    isExhaustive: Type.Boolean({ default: false, description: 'Try the other serial settings too where units were found.' }),
  },
  { additionalProperties: false },
);

export const Scan = Type.Object(
  {
    id: text,
    target: Type.String({ description: 'Bus, port or host.' }),
    state: words(['running', 'done', 'cancelled', 'failed']),
    error: Type.Union([Type.Object({ code: text, message: text, hint: Type.Optional(text) }), Type.Null()]),
    startedAt: Type.Number({ description: 'ms since the epoch.' }),
    endedAt: nullable(Type.Number(), 'ms since the epoch; null: it runs.'),
    done: Type.Number({ description: 'Questions that were put, of `total`.' }),
    total: count,
    line: nullable(Type.String(), 'Serial settings that are being tried; null: there are none.'),
    unit: nullable(Type.Number(), 'Unit that is being asked.'),
    found: Type.Array(
      Type.Object({
        unit: count,
        line: nullable(Type.String()),
        outcome: words(
          ['answers', 'exception', 'late', 'garbled'],
          'exception: it refused, so it is there; late: it answered after the timeout; garbled: bytes came that are no answer.',
        ),
        detail: nullable(Type.String()),
        identification: Type.Union([Type.Record(Type.String(), Type.String()), Type.Null()]),
      }),
    ),
  },
  { $id: 'Scan' },
);

export const SerialPort = Type.Object(
  {
    path: Type.String({ description: 'Device file of now.' }),
    name: Type.String({ description: 'The name that stays: what to write as `port` of a bus.' }),
    byId: Type.Array(text),
    byPath: Type.Array(text),
    usb: Type.Union([
      Type.Object({
        vendorId: text,
        productId: text,
        serial: nullable(Type.String()),
        manufacturer: nullable(Type.String()),
        product: nullable(Type.String()),
      }),
      Type.Null(),
    ]),
    driver: nullable(Type.String(), 'Driver of the kernel.'),
    isConsole: Type.Boolean({ description: 'The kernel prints there.' }),
    isAllowed: Type.Boolean({ description: 'The gateway may open it.' }),
    users: Type.Array(Type.Object({ pid: count, program: text }), { description: 'Programs that have it open, as far as can be seen.' }),
  },
  { $id: 'SerialPort' },
);

export const FIELD_TOOL_SCHEMAS = [SerialPort, UnitStatistics, ReadPlan, Explored, Scan];
