import { Worker } from 'node:worker_threads';
import { FerruleError } from '../errors.js';
import type { Logger } from '../log.js';
import type { FromWriter, RequestKind, Requests, ToWriter, WireError, WriterStats } from './protocol.js';
import { fromWireError } from './sqlite-errors.js';

export interface LinkEvents {
  /** `full`: it was a probe, and there is no room for more yet. */
  committed(number: number, buffer: ArrayBuffer, full: boolean, stats: WriterStats): void;
  failed(number: number, error: FerruleError): void;
  refused(kind: RequestKind, error: FerruleError): void;
  /** The thread is gone, however it ended. */
  ended(): void;
  /** The thread ended though no one asked it to. */
  died(error: FerruleError): void;
}

interface Pending {
  kind: RequestKind;
  resolve(answer: unknown): void;
  reject(error: FerruleError): void;
}

/** The main thread's end of the writer thread. */
export class WriterLink {
  readonly #worker: Worker;
  readonly #events: LinkEvents;
  readonly #log: Logger;
  readonly #pending = new Map<number, Pending>();
  readonly #exited: Promise<void>;
  #nextId = 1;
  #ending: boolean = false;
  #dead: FerruleError | null = null;

  constructor(events: LinkEvents, log: Logger) {
    this.#events = events;
    this.#log = log;
    this.#worker = new Worker(new URL('./writer-thread.js', import.meta.url), {
      name: 'store-writer',
      workerData: { ferrule: 'store-writer' },
      execArgv: [],
    });
    this.#worker.on('message', (message: FromWriter) => this.#receive(message));
    let cause: unknown = null;
    this.#worker.on('error', (error) => {
      cause = error;
    });
    this.#exited = new Promise((resolve) => {
      this.#worker.on('exit', (code) => {
        this.#died(code, cause);
        resolve();
      });
    });
  }

  /** The buffer is handed over; it comes back with `committed`. */
  sendBatch(number: number, buffer: ArrayBuffer, length: number, probe: boolean): void {
    this.#send({ type: 'batch', number, buffer, length, probe }, [buffer]);
  }

  request<K extends RequestKind>(kind: K, ask: Requests[K]['ask']): Promise<Requests[K]['answer']> {
    if (this.#dead !== null) return Promise.reject(this.#dead);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { kind, resolve: (answer) => resolve(answer as Requests[K]['answer']), reject });
      this.#send({ type: 'request', id, kind, ask }, []);
    });
  }

  /** Closes the database and ends the thread; after `timeoutMs` without an answer, ends it anyhow. True: closed cleanly. */
  async end(timeoutMs: number): Promise<boolean> {
    this.#ending = true;
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<false>((resolve) => {
      timer = setTimeout(() => resolve(false), timeoutMs);
    });
    const closed = this.request('close', null).then(
      () => true,
      () => false,
    );
    const clean = await Promise.race([closed, timeout]);
    clearTimeout(timer);
    if (!clean) await Promise.race([this.#worker.terminate(), new Promise((resolve) => setTimeout(resolve, 500).unref())]);
    else await this.#exited;
    return clean;
  }

  #send(message: ToWriter, transfer: ArrayBuffer[]): void {
    this.#worker.postMessage(message, transfer);
  }

  #receive(message: FromWriter): void {
    switch (message.type) {
      case 'committed':
        this.#events.committed(message.number, message.buffer, message.full, message.stats);
        return;
      case 'failed':
        this.#events.failed(message.number, fromWireError(message.error));
        return;
      case 'answer':
        this.#take(message.id)?.resolve(message.answer);
        return;
      case 'refused':
        this.#refused(message.id, message.error);
        return;
      case 'log':
        this.#log[message.level](message.details, message.message);
        return;
    }
  }

  #refused(id: number, wire: WireError): void {
    const error = fromWireError(wire);
    const pending = this.#take(id);
    if (pending === undefined) return;
    pending.reject(error);
    this.#events.refused(pending.kind, error);
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    return pending;
  }

  #died(code: number, cause: unknown): void {
    this.#dead = new FerruleError('FER_STORE_IO', `The store's writer thread ended (exit code ${code})`, {
      hint: 'Restart the gateway; if it happens again, see the log.',
      cause,
    });
    for (const pending of this.#pending.values()) pending.reject(this.#dead);
    this.#pending.clear();
    this.#events.ended();
    if (!this.#ending) this.#events.died(this.#dead);
  }
}
