import { messageOf } from '../errors.js';
import type { Logger } from '../log.js';
import type { Publication, Settled } from './types.js';

/**
 * Tells publications and waiters how they ended, in a microtask: never inside publish(), removeEntry() or any other call
 * of the store, so that a callback may call the store again without surprises. In the order they became due.
 */
export class Settler {
  readonly #log: Logger;
  #subjects: (Publication | Settled)[] = [];
  #errors: (Error | null)[] = [];
  #scheduled: boolean = false;

  constructor(log: Logger) {
    this.#log = log;
  }

  add(subject: Publication | Settled, error: Error | null): void {
    this.#subjects.push(subject);
    this.#errors.push(error);
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(this.#run);
  }

  readonly #run = (): void => {
    const subjects = this.#subjects;
    const errors = this.#errors;
    this.#subjects = [];
    this.#errors = [];
    this.#scheduled = false;
    for (let i = 0; i < subjects.length; i++) {
      const subject = subjects[i]!;
      try {
        if (typeof subject === 'function') subject(errors[i]!);
        else subject.settled(errors[i]!);
      } catch (thrown) {
        // One faulty callback must not take the acknowledgements of the others with it.
        this.#log.error({ error: messageOf(thrown) }, 'a callback of the store threw');
      }
    }
  };
}
