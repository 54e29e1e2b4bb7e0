import { randomInt } from 'node:crypto';
import { FerruleError } from '../errors.js';
import type { Accounts } from './accounts.js';
import type { Attempts } from './attempts.js';
import { sameText } from './passwords.js';
import type { DocumentsPort } from './ports.js';

const COLLECTION = 'console.setup';
const KEY = 'code';
/** Without 0 O 1 I L and U V: read aloud, from a label or a serial terminal, no two of them are mistaken for each other. */
const ALPHABET = 'ABCDEFGHJKMNPQRSTWXYZ23456789';
const GROUPS = 4;
const GROUP_LENGTH = 4;

/**
 * The first run: whoever can read the gateway's terminal, journal or boot partition has the setup code and may name the
 * administrator, once. The code stands in the store in the clear while it is needed, because it is shown again at every
 * start; it is deleted with the claim.
 */
export class Claim {
  readonly #documents: DocumentsPort;
  readonly #accounts: Accounts;
  readonly #attempts: Attempts;
  #code: string | null = null;
  #claiming: Promise<void> | null = null;

  constructor(documents: DocumentsPort, accounts: Accounts, attempts: Attempts) {
    this.#documents = documents;
    this.#accounts = accounts;
    this.#attempts = attempts;
  }

  get claimed(): boolean {
    return !this.#accounts.empty;
  }

  /** The code to show to people; null: claimed. */
  async load(): Promise<string | null> {
    const kept = await this.#documents.get<{ code: string }>(COLLECTION, KEY);
    if (this.claimed) {
      // Killed between the account and this: the code is of no use any more.
      if (kept !== null) await this.#documents.delete(COLLECTION, KEY);
      this.#code = null;
      return null;
    }
    this.#code = kept?.code ?? makeCode();
    if (kept === null) await this.#documents.put(COLLECTION, KEY, { code: this.#code });
    return this.#code;
  }

  /** Creates the administrator. Case, spaces and dashes of the code don't matter. */
  async claim(code: string, username: string, password: string, address: string): Promise<void> {
    this.#refuseClaimed();
    this.#attempts.begin(`setup ${address}`);
    if (this.#code === null || !sameText(plain(code), plain(this.#code))) {
      throw new FerruleError('FER_CONSOLE_SETUP_CODE', 'The setup code is wrong.', {
        hint: 'It is printed on the terminal and in the journal of the gateway at each start until it is claimed.',
      });
    }
    this.#attempts.succeeded(`setup ${address}`);
    // The account takes a while to be hashed and written: a second claim in the meantime comes too late.
    if (this.#claiming !== null) throw claimedError();
    this.#claiming = this.#create(username, password);
    try {
      await this.#claiming;
    } finally {
      this.#claiming = null;
    }
  }

  async #create(username: string, password: string): Promise<void> {
    await this.#accounts.create(username, password, 'administrator');
    this.#code = null;
    await this.#documents.delete(COLLECTION, KEY);
  }

  #refuseClaimed(): void {
    if (this.claimed) throw claimedError();
  }
}

function claimedError(): FerruleError {
  return new FerruleError('FER_CONSOLE_CLAIMED', 'This gateway has an administrator already.', { hint: 'Log in instead.' });
}

function makeCode(): string {
  const group = () => Array.from({ length: GROUP_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
  return Array.from({ length: GROUPS }, group).join('-');
}

function plain(code: string): string {
  return code.toUpperCase().replaceAll(/[^A-Z0-9]/g, '');
}
