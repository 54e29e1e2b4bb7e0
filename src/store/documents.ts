import type { MiscOperation, RequestKind, Requests } from './protocol.js';
import type { DocumentStore } from './types.js';

export interface DocumentPort {
  append(operation: MiscOperation): void;
  /** Resolves when everything appended so far is on disk. */
  committed(): Promise<void>;
  request<K extends RequestKind>(kind: K, ask: Requests[K]['ask']): Promise<Requests[K]['answer']>;
}

/** Small JSON documents by collection and key. */
export class Documents implements DocumentStore {
  readonly #port: DocumentPort;

  constructor(port: DocumentPort) {
    this.#port = port;
  }

  async get<T>(collection: string, key: string): Promise<T | null> {
    const value = await this.#port.request('document', { collection, key });
    return value === null ? null : (JSON.parse(value) as T);
  }

  async list<T>(collection: string): Promise<{ key: string; value: T }[]> {
    const rows = await this.#port.request('documents', { collection });
    return rows.map(({ key, value }) => ({ key, value: JSON.parse(value) as T }));
  }

  put(collection: string, key: string, value: unknown): Promise<void> {
    // undefined has no JSON form.
    this.#port.append({ op: 'putDocument', collection, key, value: JSON.stringify(value === undefined ? null : value) });
    return this.#port.committed();
  }

  delete(collection: string, key: string): Promise<void> {
    this.#port.append({ op: 'deleteDocument', collection, key });
    return this.#port.committed();
  }
}
