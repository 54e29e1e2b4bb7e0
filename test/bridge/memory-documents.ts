import type { DocumentsPort } from '../../src/bridge/ports.js';

/** Documents that outlive the bridges of one test. */
export class MemoryDocuments implements DocumentsPort {
  readonly #values = new Map<string, string>();
  /** Thrown by put and delete. */
  error: Error | null = null;

  list<T>(collection: string): Promise<{ key: string; value: T }[]> {
    const prefix = `${collection}/`;
    const found = [...this.#values].filter(([path]) => path.startsWith(prefix));
    return Promise.resolve(found.map(([path, value]) => ({ key: path.slice(prefix.length), value: JSON.parse(value) as T })));
  }

  put(collection: string, key: string, value: unknown): Promise<void> {
    if (this.error !== null) return Promise.reject(this.error);
    this.#values.set(`${collection}/${key}`, JSON.stringify(value));
    return Promise.resolve();
  }

  delete(collection: string, key: string): Promise<void> {
    if (this.error !== null) return Promise.reject(this.error);
    this.#values.delete(`${collection}/${key}`);
    return Promise.resolve();
  }
}
