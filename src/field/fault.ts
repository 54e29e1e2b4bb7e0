/** Why an exchange with a device did not end with a usable answer. The text is for people, the kind for the code. */
export type FaultKind =
  /** No answer in time. */
  | 'timeout'
  /** An answer with a wrong check sum, or noise. */
  | 'crc'
  /** An answer that breaks the protocol. */
  | 'protocol'
  /** The connection or port was lost, or is not there. */
  | 'bus_down'
  /** The unit is known not to answer; not asked now. */
  | 'unit_down'
  /** The bus is being stopped. */
  | 'stopped';

export class Fault extends Error {
  readonly kind: FaultKind;
  constructor(kind: FaultKind, message: string) {
    super(message);
    this.name = 'Fault';
    this.kind = kind;
  }
}

export function asFault(thrown: unknown): Fault {
  if (thrown instanceof Fault) return thrown;
  return new Fault('protocol', thrown instanceof Error ? thrown.message : String(thrown));
}
