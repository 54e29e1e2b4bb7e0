import type { TagJson } from '../ports.js';
import { Code, Refusal } from './exceptions.js';
import { decodeCoil, decodeWritten, type Reader, type RegisterMap, type ServedTag } from './registers.js';
import { type MasterRequest, readAnswer, writeAnswer } from './request.js';
import { type Master, nameOf, type ServedUnit } from './unit.js';

export interface TagWriter {
  /** Resolves when the device has taken it; rejects with a FerruleError. */
  write(device: string, tag: string, value: TagJson, by: string): Promise<unknown>;
}

interface Change {
  served: ServedTag;
  value: TagJson;
}

/** Tags as the registers of one unit. */
export class TagUnit implements ServedUnit {
  readonly #map: RegisterMap;
  readonly #reader: Reader;
  readonly #writer: TagWriter;

  constructor(map: RegisterMap, reader: Reader, writer: TagWriter) {
    this.#map = map;
    this.#reader = reader;
    this.#writer = writer;
  }

  handle(request: MasterRequest, pdu: Buffer, master: Master): Buffer | Promise<Buffer> {
    switch (request.kind) {
      case 'read':
        return readAnswer(request.fn, this.#map.read(request.area, request.address, request.count, this.#reader));
      case 'write_bits':
        return this.#write(this.#bitChanges(request.address, request.values), writeAnswer(pdu), master);
      case 'write_registers':
        return this.#write(this.#registerChanges(request.address, request.data), writeAnswer(pdu), master);
      case 'mask':
        return this.#write(this.#maskChanges(request.address, request.and, request.or), pdu, master);
      case 'write_read':
        return this.#writeAndRead(request, master);
      case 'other':
        throw new Refusal(Code.illegalFunction, `function ${request.fn} is none that tags answer`);
    }
  }

  async #writeAndRead(request: Extract<MasterRequest, { kind: 'write_read' }>, master: Master): Promise<Buffer> {
    const { address, data, readAddress, readCount } = request;
    const nothing = Buffer.alloc(0);
    await this.#write(this.#registerChanges(address, data), nothing, master);
    return readAnswer(23, this.#map.read('holding', readAddress, readCount, this.#reader));
  }

  /** All values are checked before the first is written; they are written in the order of their addresses. */
  async #write(changes: readonly Change[], answer: Buffer, master: Master): Promise<Buffer> {
    for (const { served, value } of changes) served.check?.(value);
    for (const { served, value } of changes) await this.#writer.write(served.device, served.tag, value, nameOf(master));
    return answer;
  }

  #bitChanges(address: number, values: readonly boolean[]): Change[] {
    return this.#map.written('coil', address, values.length).map((served) => {
      return { served, value: decodeCoil(served, values[served.point.address - address] ?? false) };
    });
  }

  #registerChanges(address: number, data: Buffer): Change[] {
    return this.#map.written('holding', address, data.length / 2).map((served) => {
      const at = served.point.address - address;
      return { served, value: decodeWritten(served, data.subarray(at * 2, (at + served.point.length) * 2)) };
    });
  }

  /** (register and `and`) or (`or` and not `and`); only tags in which the mask lets something be set are written. */
  #maskChanges(address: number, and: number, or: number): Change[] {
    const before = this.#map.read('holding', address, 1, this.#reader).readUInt16BE(0);
    const data = Buffer.alloc(2);
    data.writeUInt16BE((before & and) | (or & ~and & 0xffff));
    const touched = ~and & 0xffff;
    return this.#map
      .written('holding', address, 1)
      .filter((served) => (served.mask & touched) !== 0)
      .map((served) => ({ served, value: decodeWritten(served, data) }));
  }
}
