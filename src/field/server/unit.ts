import type { MasterRequest } from './request.js';

/** Who asks, as far as those who answer need to know. */
export interface Master {
  /** Its connection: requests of one take turns with those of others. */
  readonly lane: object;
  readonly address: string;
  /** Calls back when its connection is gone; what it asked for is not wanted any more. Returns how to forget that. */
  onGone(callback: () => void): () => void;
}

/** As the log names him. */
export function nameOf({ address }: Master): string {
  return `Modbus master ${address}`;
}

/** What is found under one unit id. */
export interface ServedUnit {
  /**
   * The PDU of the answer. Throws or rejects with a Refusal, Fault or FerruleError where it is an exception. `pdu`: the
   * request as it came.
   */
  handle(request: MasterRequest, pdu: Buffer, master: Master): Buffer | Promise<Buffer>;
}
