import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import type { PublishPacket } from '../../src/mqtt/packets.js';
import { encode } from '../../src/mqtt/writer.js';
import { startBroker, type TestBroker, type TestBrokerOptions } from '../broker/harness.js';
import { bytesOf } from '../mqtt/packet-table.js';
import { RawClient, type RawClientOptions } from '../support/raw-client.js';
import { type SpecVersion, STATEMENTS } from './statements.js';

/** What the test of one statement works with. */
export interface Bench {
  t: TestContext;
  /** Unlike in any other test: for client ids and topics. */
  name: string;
  /** The file's broker. */
  broker: TestBroker['broker'];
  port: number;
  /** A connected client of the version; it is gone after the test. */
  open(options?: RawClientOptions): Promise<RawClient>;
  /** Sends CONNECT; whatever CONNACK says. */
  attempt(options?: RawClientOptions): Promise<RawClient>;
  /** A socket on which nothing was sent yet. */
  socket(): Promise<RawClient>;
  /** Another broker, for this test alone. */
  own(options: TestBrokerOptions): Promise<TestBroker>;
  /** A connected client that sends these bytes is thrown out: 5.0 with this reason in DISCONNECT, 3.1.1 without a word. */
  refuses(bytes: Buffer, reason: number): Promise<void>;
  /** A CONNECT of these bytes is refused: 5.0 with this reason in CONNACK, 3.1.1 without a word (or with this code). */
  refusesConnect(bytes: Buffer, reason: number | null): Promise<void>;
}

export type StatementTest = (bench: Bench) => Promise<void>;

/** The tests of a file: declares what checks which statement, against one broker. */
export function conformance(
  version: SpecVersion,
  options: TestBrokerOptions = {},
): (ids: string | readonly string[], check: StatementTest) => void {
  const level = version === 3 ? 4 : 5;
  const ends: (() => unknown)[] = [];
  let shared: TestBroker | null = null;
  let serial = 0;
  before(async () => {
    // All that the harness wants of a test's context: to be told of its end.
    const file = { after: (end: () => unknown) => ends.push(end) } as unknown as TestContext;
    shared = await startBroker(file, options);
  });
  after(async () => {
    for (const end of ends) await end();
  });
  const declare = (id: string, check: StatementTest): void => {
    const found = STATEMENTS[version].get(id);
    assert.ok(found !== undefined, `MQTT ${version} has no statement ${id}`);
    test(`[${id}] ${found.paraphrase}`, async (t) => {
      const { port, broker } = shared!;
      const keep = (client: RawClient): RawClient => {
        t.after(() => client.kill());
        return client;
      };
      serial += 1;
      const socket = async (): Promise<RawClient> => keep(await RawClient.connect(port, { version: level }));
      const attempt = async (wanted: RawClientOptions = {}): Promise<RawClient> =>
        keep(await RawClient.attempt(port, { version: level, ...wanted }));
      const open = async (wanted: RawClientOptions = {}): Promise<RawClient> =>
        keep(await RawClient.open(port, { version: level, ...wanted }));
      const refuses = async (bytes: Buffer, reason: number): Promise<void> => {
        const client = await open();
        client.sendRaw(bytes);
        if (version === 5) assert.equal((await client.expect('disconnect')).reasonCode, reason);
        await client.closed();
        assert.deepEqual(kindsOf(client), version === 5 ? ['connack', 'disconnect'] : ['connack']);
      };
      const refusesConnect = async (bytes: Buffer, reason: number | null): Promise<void> => {
        const client = await socket();
        client.sendRaw(bytes);
        if (reason !== null) assert.equal((await client.expect('connack')).reasonCode, reason);
        await client.closed();
        assert.deepEqual(kindsOf(client), reason === null ? [] : ['connack']);
      };
      const own = (wanted: TestBrokerOptions): Promise<TestBroker> => startBroker(t, wanted);
      await check({ t, name: `c${version}n${serial}`, port, broker, open, attempt, socket, own, refuses, refusesConnect });
    });
  };
  return (ids, check) => {
    for (const id of [ids].flat()) declare(id, check);
  };
}

export const MALFORMED = 0x81;
export const PROTOCOL_ERROR = 0x82;

/** A packet by its first byte and what follows the remaining length, in the notation of test/mqtt/packet-table.ts. */
export function packet(first: number, body: string): Buffer {
  return frame(first, bytesOf(body));
}

export function frame(first: number, body: Uint8Array): Buffer {
  assert.ok(body.length < 2_097_152);
  const length: number[] = [];
  let rest = body.length;
  do {
    length.push((rest % 128) + (rest > 127 ? 128 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return Buffer.concat([Buffer.from([first, ...length]), body]);
}

/** The kinds of all packets that a client got. */
export function kindsOf(client: RawClient): string[] {
  return client.packets.map(({ type }) => type);
}

export function textOf(message: PublishPacket): string {
  return message.payload.toString();
}

export function textsOf(client: RawClient): string[] {
  return client.messages.map(textOf);
}

/** The bytes of the largest packet that a client got, CONNACK left out. */
export function largestPacket(client: RawClient): number {
  return Math.max(...client.packets.filter(({ type }) => type !== 'connack').map((got) => encode(got, client.version).length));
}
