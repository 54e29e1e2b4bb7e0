import { Duplex } from 'node:stream';

/** The client's side of a connection in memory. */
export interface Peer {
  received(bytes: Buffer): void;
  /** The broker has ended its side. */
  ended(): void;
}

/** The broker's side of a connection in memory: a socket without the system's calls, so that millions of packets fit. */
export class MemorySocket extends Duplex {
  readonly #peer: Peer;
  /** The peer does not read: what is written stays unwritten. */
  #frozen = false;
  #held: (() => void) | null = null;

  constructor(peer: Peer) {
    super();
    this.#peer = peer;
  }

  /** Bytes of the client. */
  deliver(bytes: Buffer): void {
    if (!this.destroyed && !this.readableEnded) this.push(bytes);
  }

  /** The client closes its side. */
  hangUp(): void {
    if (!this.destroyed) this.push(null);
  }

  freeze(): void {
    this.#frozen = true;
  }

  thaw(): void {
    this.#frozen = false;
    const held = this.#held;
    this.#held = null;
    held?.();
  }

  override _read(): void {
    // What there is was pushed.
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    const take = (): void => {
      this.#peer.received(chunk);
      done();
    };
    if (this.#frozen) this.#held = take;
    else take();
  }

  override _final(done: () => void): void {
    this.#peer.ended();
    done();
  }
}
