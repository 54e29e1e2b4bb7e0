import type { Logger } from '../../log.js';
import { hasKnownAnswer } from '../modbus/raw.js';
import { logged } from '../write-log.js';
import type { BusProxy } from './bus-proxy.js';
import { Code, Refusal } from './exceptions.js';
import type { MasterRequest } from './request.js';
import { type Master, nameOf, type ServedUnit } from './unit.js';

export interface ProxyUnitOptions {
  bus: string;
  deviceUnit: number;
  /** ms */
  maxAge: number;
  /** ms that a request may wait for its bus. */
  patience: number;
  mayWrite: boolean;
  /** Further functions that are passed on. */
  functions: ReadonlySet<number>;
  /** Only functions whose answers are known can be used on a line. */
  isLine: boolean;
  /** The bus as it is now; null: there is none at present. */
  proxy(): BusProxy | null;
  log: Logger;
}

/** A device behind the gateway. */
export class ProxyUnit implements ServedUnit {
  readonly #options: ProxyUnitOptions;

  constructor(options: ProxyUnitOptions) {
    this.#options = options;
  }

  handle(request: MasterRequest, pdu: Buffer, master: Master): Promise<Buffer> {
    const { bus, deviceUnit, maxAge, patience } = this.#options;
    const proxy = this.#options.proxy();
    if (proxy === null) throw new Refusal(Code.noPath, `bus ${bus} is not there`);
    if (request.kind === 'read') {
      const { fn, address, count } = request;
      return proxy.read({ fn, unit: deviceUnit, address, count }, maxAge, patience, master);
    }
    this.#checkAllowed(request, pdu);
    const passed = () => proxy.pass(deviceUnit, pdu, patience, master);
    if (request.kind === 'other') return passed();
    const who = { by: nameOf(master), bus, unit: deviceUnit, pdu: pdu.toString('hex') };
    return logged(this.#options.log, who, passed);
  }

  #checkAllowed(request: MasterRequest, pdu: Buffer): void {
    const { functions, isLine, mayWrite } = this.#options;
    if (request.kind === 'other') {
      if (!functions.has(request.fn)) throw new Refusal(Code.illegalFunction, `function ${request.fn} is not passed on`);
      if (isLine && !hasKnownAnswer(pdu)) throw new Refusal(Code.illegalFunction, `function ${request.fn} has no known answer on a line`);
    } else if (!mayWrite)
      throw new Refusal(Code.illegalFunction, `writes to unit ${this.#options.deviceUnit} of ${this.#options.bus} are not allowed`);
  }
}
