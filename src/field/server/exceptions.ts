import { FerruleError } from '../../errors.js';
import { Fault } from '../fault.js';
import { EXCEPTION_BIT } from '../modbus/pdu.js';

/** Exception codes of the Modbus application protocol, section 7. */
export const Code = {
  illegalFunction: 1,
  illegalAddress: 2,
  illegalValue: 3,
  deviceFailure: 4,
  busy: 6,
  noPath: 10,
  noTarget: 11,
} as const;

/** A request that is answered with an exception. */
export class Refusal extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.name = 'Refusal';
    this.code = code;
  }
}

export function exceptionTo(request: Buffer, code: number): Buffer {
  return Buffer.from([(request[0] ?? 0) | EXCEPTION_BIT, code]);
}

/** The exception that says to a master what went wrong. */
export function codeOf(thrown: unknown): number {
  if (thrown instanceof Refusal) return thrown.code;
  if (thrown instanceof Fault) return codeOfFault(thrown);
  if (!(thrown instanceof FerruleError)) return Code.deviceFailure;
  switch (thrown.code) {
    case 'FER_FIELD_UNKNOWN_TAG':
    case 'FER_FIELD_READ_ONLY':
      return Code.illegalAddress;
    case 'FER_FIELD_BAD_VALUE':
      return Code.illegalValue;
    case 'FER_FIELD_NO_ANSWER':
    case 'FER_FIELD_WRITE_UNCONFIRMED':
      return thrown.cause instanceof Fault ? codeOfFault(thrown.cause) : Code.noTarget;
    default:
      return Code.deviceFailure;
  }
}

function codeOfFault({ kind }: Fault): number {
  switch (kind) {
    case 'bus_down':
    case 'stopped':
      return Code.noPath;
    case 'timeout':
    case 'crc':
    case 'protocol':
    case 'unit_down':
      return Code.noTarget;
  }
}
