import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { AckPacket } from '../mqtt/packets.js';
import { type PublishFrame, setPacketId } from '../mqtt/publish-frame.js';
import { ACK_BYTES, writeAckSuccess } from '../mqtt/writer.js';
import { Slabs } from './slabs.js';

/** From here on bytes go to the stream as they are; smaller pieces are copied together, into fewer and larger ones. */
export const LARGE = 8 * 1024;
const NONE: Buffer = Buffer.alloc(0);
/** Beside a packet id. */
const DUP = 0x1_0000;

/** Collects what goes to the sockets during one turn of the event loop, and writes each socket once. */
export class FlushQueue {
  readonly slabs = new Slabs();
  #dirty: Outbox[] = [];
  #scheduled = false;

  add(outbox: Outbox): void {
    this.#dirty.push(outbox);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#flush);
  }

  readonly #flush = (): void => {
    this.#scheduled = false;
    const dirty = this.#dirty;
    this.#dirty = [];
    for (const outbox of dirty) outbox.flush();
  };
}

/**
 * The bytes on their way to one socket. What is pushed must stay unchanged; small pieces are copied by the end of the turn,
 * large ones when the operating system takes them.
 */
export class Outbox {
  readonly #stream: Duplex;
  readonly #queue: FlushQueue;
  readonly #onTaken: () => void;
  /** What the operating system has taken a socket does not look at again. Of other streams nothing is known. */
  readonly #letsGo: boolean;
  /** What goes to the stream, in order; then comes the slab, then the run. */
  #pieces: Buffer[] = [];
  /** Small pieces are copied into it; what lies from #slabFrom to #slabAt is not among #pieces yet. */
  #slab = NONE;
  #slabFrom = 0;
  #slabAt = 0;
  /** Slabs that were filled up. */
  #full: Buffer[] = [];
  /** Packets that lie one behind the other in the same bytes, such as those of one read: one copy serves them all. */
  #runBytes = NONE;
  #runFrom = 0;
  #runTo = 0;
  /** Of the run's packets with an id of their own, three numbers each: where it begins, where its id stands, id and DUP. */
  #ids: number[] = [];
  #bytes = 0;
  /** Bytes of the last flush: about as many will come again. */
  #lastFlush = 0;
  /** The stream gets copies of the slab, so that it does not keep whole slabs for the few bytes of each turn. */
  #copies = false;
  /** After the last flush the stream still had something. */
  #held = false;
  #queued = false;
  written = 0;

  /** @param onTaken called after a flush that the stream took without asking to wait: no 'drain' will follow */
  constructor(stream: Duplex, queue: FlushQueue, onTaken: () => void) {
    this.#stream = stream;
    this.#queue = queue;
    this.#onTaken = onTaken;
    this.#letsGo = stream instanceof Socket;
  }

  /** Bytes not yet taken by the operating system. */
  get backlog(): number {
    return this.#held ? this.#bytes + this.#stream.writableLength : this.#bytes;
  }

  /** `bytes[from, to)` */
  push(bytes: Buffer, from = 0, to = bytes.length): void {
    this.#expect(to - from);
    this.#extendRun(bytes, from, to, this.#ids.length > 0);
  }

  /** A PUBLISH of QoS 1 or 2, under a packet id and with a DUP flag of its own. */
  pushPublish({ bytes, from, to, idAt }: PublishFrame, packetId: number, dup: boolean): void {
    this.#expect(to - from);
    if (to - from < LARGE) {
      this.#extendRun(bytes, from, to, true);
      this.#ids.push(from, idAt, dup ? packetId | DUP : packetId);
      return;
    }
    this.#endRun();
    const head = Buffer.from(bytes.subarray(from, idAt + 2));
    setPacketId(head, 0, idAt - from, packetId, dup);
    this.#addPiece(head);
    this.#addPiece(bytes.subarray(idAt + 2, to));
  }

  /** PUBACK, PUBREC, PUBREL or PUBCOMP that says success. */
  pushAck(type: AckPacket['type'], packetId: number): void {
    const at = this.claim(ACK_BYTES);
    writeAckSuccess(this.#slab, at, type, packetId);
  }

  /** Room for a packet of so many bytes (fewer than LARGE), which the caller writes into `slab` at once; returns where. */
  claim(bytes: number): number {
    this.#expect(bytes);
    this.#endRun();
    return this.#reserve(bytes);
  }

  /** What claim() speaks of. */
  get slab(): Buffer {
    return this.#slab;
  }

  flush(): void {
    this.#queued = false;
    if (this.#bytes === 0) return;
    this.#endRun();
    this.#endSlab();
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#lastFlush = this.#bytes;
    this.#bytes = 0;
    const stream = this.#stream;
    if (stream.destroyed || stream.writableEnded) {
      this.#dropSlabs(true);
      return;
    }
    this.written += this.#lastFlush;
    if (pieces.length === 1) {
      stream.write(pieces[0]!);
    } else {
      stream.cork();
      for (const piece of pieces) stream.write(piece);
      stream.uncork();
    }
    this.#held = stream.writableLength > 0;
    this.#dropSlabs(this.#copies || !this.#held);
    if (!stream.writableNeedDrain) this.#onTaken();
  }

  #expect(bytes: number): void {
    this.#bytes += bytes;
    if (this.#queued) return;
    this.#queued = true;
    this.#copies = !this.#letsGo || this.#stream.writableLength > 0;
    this.#queue.add(this);
  }

  /** Where in the slab so many bytes (fewer than LARGE) can be written. */
  #reserve(bytes: number): number {
    if (this.#slabAt + bytes > this.#slab.length) {
      this.#endSlab();
      if (this.#slab !== NONE) this.#full.push(this.#slab);
      this.#slab = this.#queue.slabs.take(Math.max(this.#bytes, this.#lastFlush));
      this.#slabFrom = 0;
      this.#slabAt = 0;
    }
    const at = this.#slabAt;
    this.#slabAt += bytes;
    return at;
  }

  /** @param getsIds it has to be copied, which large pieces are not */
  #extendRun(bytes: Buffer, from: number, to: number, getsIds: boolean): void {
    if (bytes === this.#runBytes && from === this.#runTo && !(getsIds && to - this.#runFrom >= LARGE)) {
      this.#runTo = to;
      return;
    }
    this.#endRun();
    this.#runBytes = bytes;
    this.#runFrom = from;
    this.#runTo = to;
  }

  #endRun(): void {
    const bytes = this.#runBytes;
    if (bytes === NONE) return;
    const from = this.#runFrom;
    const to = this.#runTo;
    this.#runBytes = NONE;
    if (to - from >= LARGE) {
      this.#addPiece(bytes.subarray(from, to));
      return;
    }
    const at = this.#reserve(to - from);
    bytes.copy(this.#slab, at, from, to);
    const ids = this.#ids;
    if (ids.length === 0) return;
    for (let i = 0; i < ids.length; i += 3) {
      const id = ids[i + 2]!;
      setPacketId(this.#slab, at + ids[i]! - from, at + ids[i + 1]! - from, id & 0xffff, (id & DUP) !== 0);
    }
    ids.length = 0;
  }

  #endSlab(): void {
    if (this.#slabAt === this.#slabFrom) return;
    const piece = this.#slab.subarray(this.#slabFrom, this.#slabAt);
    this.#pieces.push(this.#copies ? Buffer.from(piece) : piece);
    this.#slabFrom = this.#slabAt;
  }

  #addPiece(piece: Buffer): void {
    this.#endSlab();
    this.#pieces.push(piece);
  }

  /** @param unused nobody looks at them any more: they can serve again */
  #dropSlabs(unused: boolean): void {
    if (this.#slab === NONE) return;
    if (unused) {
      this.#queue.slabs.give(this.#slab);
      for (const slab of this.#full) this.#queue.slabs.give(slab);
    }
    this.#slab = NONE;
    this.#slabFrom = 0;
    this.#slabAt = 0;
    if (this.#full.length > 0) this.#full = [];
  }
}
