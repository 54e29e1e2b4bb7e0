import { execFile } from 'node:child_process';
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import type { AccessConfig } from '../../src/broker/schema.js';
import { tempDir } from '../support/temp-dir.js';
import type { TestBroker } from './harness.js';

const run = promisify(execFile);

/** Lets everybody do everything. */
export const OPEN: AccessConfig = { rules: [] };

/** A second door of the broker, whose clients seem to come from `address`: loopback is left out of rates and bans. */
export async function doorFrom(t: TestContext, { broker }: TestBroker, address: string): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    broker.accept(socket, undefined, { address, listener: 'test' });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** The client's side of SCRAM-SHA-256, written from RFC 5802 apart from the broker's. */
export class ScramClient {
  readonly first: string;
  readonly #password: string;
  readonly #header: string;
  #serverSignature = '';

  constructor(username: string, password: string, { header = 'n,,', nonce = 'fyko+d2lbbFgONRv9qkxdawL' } = {}) {
    this.#password = password;
    this.#header = header;
    this.first = `${header}n=${username},r=${nonce}`;
  }

  get firstMessage(): Buffer {
    return Buffer.from(this.first);
  }

  answer(serverFirst: Buffer | undefined): Buffer {
    const text = serverFirst?.toString() ?? '';
    const [, nonce, salt, iterations] = /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(text) as unknown as [string, string, string, string];
    const salted = pbkdf2Sync(this.#password, Buffer.from(salt, 'base64'), Number(iterations), 32, 'sha256');
    const clientKey = createHmac('sha256', salted).update('Client Key').digest();
    const storedKey = createHash('sha256').update(clientKey).digest();
    const withoutProof = `c=${Buffer.from(this.#header).toString('base64')},r=${nonce}`;
    const signed = `${this.first.slice(this.#header.length)},${text},${withoutProof}`;
    const signature = createHmac('sha256', storedKey).update(signed).digest();
    const serverKey = createHmac('sha256', salted).update('Server Key').digest();
    this.#serverSignature = `v=${createHmac('sha256', serverKey).update(signed).digest('base64')}`;
    const proof = Buffer.from(clientKey.map((byte, index) => byte ^ signature[index]!));
    return Buffer.from(`${withoutProof},p=${proof.toString('base64')}`);
  }

  /** Does the server know the password too? */
  trusts(serverFinal: Buffer | undefined): boolean {
    return serverFinal?.toString() === this.#serverSignature;
  }
}

/** Certificates made by openssl in a directory of the test. */
export class Certificates {
  readonly #dir: string;

  private constructor(dir: string) {
    this.#dir = dir;
  }

  static async make(t: TestContext): Promise<Certificates> {
    return new Certificates(await tempDir(t));
  }

  file(name: string): string {
    return join(this.#dir, name);
  }

  async authority(name: string): Promise<void> {
    await this.#openssl('req', '-x509', ...NEW_KEY, '-days', '30', '-subj', `/CN=${name}`, ...this.#out(name));
  }

  async signed(by: string, name: string, { subject = `/CN=${name}`, san = '' } = {}): Promise<void> {
    const extensions = san === '' ? [] : ['-addext', `subjectAltName=${san}`];
    await this.#openssl('req', '-x509', ...NEW_KEY, '-days', '2', '-subj', subject, ...extensions, ...this.#by(by), ...this.#out(name));
  }

  /** One that ended a day ago. */
  async expired(by: string, name: string): Promise<void> {
    const request = this.file(`${name}.csr`);
    await this.#openssl('req', '-new', ...NEW_KEY, '-subj', `/CN=${name}`, '-keyout', this.file(`${name}.key`), '-out', request);
    await this.#openssl('x509', '-req', '-in', request, ...this.#by(by), '-days', '-1', '-out', this.file(`${name}.pem`));
  }

  #by(authority: string): string[] {
    return ['-CA', this.file(`${authority}.pem`), '-CAkey', this.file(`${authority}.key`)];
  }

  #out(name: string): string[] {
    return ['-keyout', this.file(`${name}.key`), '-out', this.file(`${name}.pem`)];
  }

  async #openssl(...args: string[]): Promise<void> {
    await run('openssl', args);
  }
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
