import { EXCEPTION_TEXT } from '../modbus/pdu.js';
import type { FrameError, TapFrame } from '../tap.js';

/** A frame of a bus as people read it: plain data. */
export interface MonitorFrame {
  /** Wall ms. */
  at: number;
  direction: 'out' | 'in';
  /** As on the wire, hexadecimal. */
  bytes: string;
  error: FrameError | null;
  /** null: bytes without a meaning of ours (a serial instrument's, or noise). */
  unit: number | null;
  /** Function code; null: none. */
  fn: number | null;
  /** `read holding registers`. */
  name: string | null;
  /** Place that is read or written; null: the function has none. */
  range: { area: string; address: number; count: number } | null;
  /** What was read or is written: registers, or bits as 0 and 1. At most 125 of them. */
  values: number[] | null;
  exception: { code: number; text: string } | null;
  /** ms since its request was sent; null: it is one, or none is known. */
  tookMs: number | null;
}

interface FunctionFacts {
  name: string;
  area: string | null;
  bits: boolean;
}

const FUNCTIONS: Record<number, FunctionFacts> = {
  1: { name: 'read coils', area: 'coil', bits: true },
  2: { name: 'read discrete inputs', area: 'discrete', bits: true },
  3: { name: 'read holding registers', area: 'holding', bits: false },
  4: { name: 'read input registers', area: 'input', bits: false },
  5: { name: 'write coil', area: 'coil', bits: true },
  6: { name: 'write register', area: 'holding', bits: false },
  7: { name: 'read exception status', area: null, bits: false },
  8: { name: 'diagnostics', area: null, bits: false },
  15: { name: 'write coils', area: 'coil', bits: true },
  16: { name: 'write registers', area: 'holding', bits: false },
  17: { name: 'report server id', area: null, bits: false },
  22: { name: 'mask write register', area: 'holding', bits: false },
  23: { name: 'read and write registers', area: 'holding', bits: false },
  43: { name: 'read device identification', area: null, bits: false },
};

const EXCEPTION_BIT = 0x80;
const MAX_VALUES = 125;

type Content = Pick<MonitorFrame, 'range' | 'values' | 'exception'>;
const NOTHING: Content = { range: null, values: null, exception: null };

/** What a PDU says. `asked`: the PDU of the request that it answers; null: it is a request itself. */
export function describePdu(pdu: Buffer, asked: Buffer | null): Content & { fn: number; name: string } {
  const first = pdu[0] ?? 0;
  const fn = first & ~EXCEPTION_BIT;
  const facts = FUNCTIONS[fn];
  const name = facts?.name ?? `function ${fn}`;
  if ((first & EXCEPTION_BIT) !== 0) {
    const code = pdu[1] ?? 0;
    const range = asked === null ? null : requestContent(fn, facts, asked).range;
    return { fn, name, range, values: null, exception: { code, text: EXCEPTION_TEXT[code] ?? 'unknown' } };
  }
  if (facts === undefined) return { fn, name, ...NOTHING };
  return { fn, name, ...(asked === null ? requestContent(fn, facts, pdu) : answerContent(fn, facts, pdu, asked)) };
}

function requestContent(fn: number, facts: FunctionFacts | undefined, pdu: Buffer): Content {
  const area = facts?.area ?? null;
  if (facts === undefined || area === null || pdu.length < 5) return NOTHING;
  const address = pdu.readUInt16BE(1);
  const number = pdu.readUInt16BE(3);
  switch (fn) {
    case 5:
      return { ...NOTHING, range: { area, address, count: 1 }, values: [number === 0 ? 0 : 1] };
    case 6:
      return { ...NOTHING, range: { area, address, count: 1 }, values: [number] };
    case 15:
    case 16:
      return { ...NOTHING, range: { area, address, count: number }, values: valuesOf(facts, pdu.subarray(6), number) };
    case 22:
      return { ...NOTHING, range: { area, address, count: 1 } };
    default:
      return { ...NOTHING, range: { area, address, count: number } };
  }
}

function answerContent(fn: number, facts: FunctionFacts, pdu: Buffer, asked: Buffer): Content {
  const { range, values } = requestContent(fn, facts, asked);
  switch (fn) {
    case 1:
    case 2:
    case 3:
    case 4:
    case 23:
      return { ...NOTHING, range, values: valuesOf(facts, pdu.subarray(2), range?.count ?? 0) };
    case 5:
    case 6:
      return { ...NOTHING, range, values };
    default:
      return { ...NOTHING, range };
  }
}

function valuesOf(facts: FunctionFacts, data: Buffer, count: number): number[] {
  const most = Math.min(count, MAX_VALUES, facts.bits ? data.length * 8 : data.length >> 1);
  return Array.from({ length: most }, (_, i) => (facts.bits ? ((data[i >> 3] ?? 0) >> (i & 7)) & 1 : data.readUInt16BE(i * 2)));
}

/** Turns the frames of one tap into what people read; knows which request an answer belongs to. */
export class FrameDescriber {
  /** By the request object, which both frames name. */
  readonly #sent = new WeakMap<object, { mono: number; pdu: Buffer | null }>();

  describe(frame: TapFrame): MonitorFrame {
    const { direction, request, pdu } = frame;
    if (direction === 'out' && request !== null) this.#sent.set(request, { mono: frame.mono, pdu });
    const sent = direction === 'in' && request !== null ? this.#sent.get(request) : undefined;
    const isAnswer = direction === 'in';
    // An answer whose request was sent before anybody watched: its places are not known.
    const content = pdu === null || (isAnswer && sent?.pdu == null) ? null : describePdu(pdu, isAnswer ? (sent?.pdu ?? null) : null);
    const asked = content === null && sent?.pdu != null ? describePdu(sent.pdu, null) : null;
    return {
      at: frame.at,
      direction,
      bytes: frame.bytes.toString('hex'),
      error: frame.error,
      unit: frame.unit,
      fn: content?.fn ?? asked?.fn ?? null,
      name: content?.name ?? asked?.name ?? null,
      range: content?.range ?? asked?.range ?? null,
      values: content?.values ?? null,
      exception: content?.exception ?? null,
      tookMs: sent === undefined ? null : Math.round((frame.mono - sent.mono) * 10) / 10,
    };
  }
}
