import type { DocumentsPort } from './ports.js';

const COLLECTION = 'bridge-pauses';

/** Which bridges people have paused; on disk, so that no restart sends what somebody held back. */
export class Pauses {
  readonly #documents: DocumentsPort;
  readonly #names = new Set<string>();

  constructor(documents: DocumentsPort) {
    this.#documents = documents;
  }

  /** Takes up what was remembered, and forgets bridges that are configured no more. */
  async load(configured: readonly string[]): Promise<void> {
    this.#names.clear();
    for (const { key } of await this.#documents.list(COLLECTION)) {
      if (configured.includes(key)) this.#names.add(key);
      // Not waited for: a full disk must not keep the bridges from starting. The next start tries again.
      else this.#documents.delete(COLLECTION, key).catch(() => undefined);
    }
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }

  /** On disk when it resolves. */
  async add(name: string): Promise<void> {
    this.#names.add(name);
    await this.#documents.put(COLLECTION, name, {});
  }

  /** On disk when it resolves. */
  async delete(name: string): Promise<void> {
    if (!this.#names.delete(name)) return;
    await this.#documents.delete(COLLECTION, name);
  }
}
