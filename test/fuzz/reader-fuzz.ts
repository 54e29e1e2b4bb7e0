import { MqttError } from '../../src/mqtt/mqtt-error.js';
import type { Packet, ProtocolVersion } from '../../src/mqtt/packets.js';
import { PacketReader, type Role } from '../../src/mqtt/reader.js';
import { encode, encodedSize } from '../../src/mqtt/writer.js';
import { Random } from '../mqtt/random.js';
import { FLOWS, SEEDS } from './corpus.js';
import { Finding } from './finding.js';
import { Mutator, seedOfRound } from './mutate.js';

/** Bytes of the largest packet that the reader is told to take. */
const LIMIT = 64 * 1024;
/** One chance in so many that a round reads a whole session. */
const SESSION_IN = 8;

export interface ReaderTally {
  rounds: number;
  packets: number;
  refused: number;
  roundTrips: number;
}

interface Input {
  /** null: nothing was read before, a CONNECT has to come. */
  version: ProtocolVersion | null;
  role: Role;
  bytes: Buffer;
}

/** What a reader made of an input: packets as they would be written again, and how it ended. */
interface Reading {
  packets: Packet[];
  versions: ProtocolVersion[];
  error: MqttError | null;
  left: number;
}

/**
 * Fuzzes src/mqtt: whatever arrives in whatever pieces, the reader gives packets or an MqttError, the same ones whatever
 * the pieces, holds no more than arrived, and what it gave can be written and read again unchanged.
 */
export class ReaderFuzz {
  readonly tally: ReaderTally = { rounds: 0, packets: 0, refused: 0, roundTrips: 0 };

  constructor(readonly seed: number) {}

  /** Throws a Finding. */
  round(round: number): void {
    this.tally.rounds++;
    const random = new Random(seedOfRound(this.seed, round));
    const mutator = new Mutator(random);
    const input = inputOf(random, mutator);
    const found = (what: string): Finding => new Finding(what, `reader --seed ${this.seed} --round ${round}`, input.bytes);
    try {
      const whole = read(input, [input.bytes]);
      this.tally.packets += whole.packets.length;
      if (whole.error !== null) this.checkError(whole.error);
      const pieces = read(input, mutator.chunks(input.bytes));
      checkSame(whole, pieces);
      for (let at = 0; at < whole.packets.length; at++) this.checkRoundTrip(whole.packets[at]!, whole.versions[at]!, input.role);
    } catch (error) {
      throw found(error instanceof Violation ? error.message : String(error instanceof Error ? error.stack : error));
    }
  }

  private checkError(error: MqttError): void {
    this.tally.refused++;
    if (error.reasonCode < 0x80 || error.clause === '' || error.message === '') {
      throw new Violation(`an error without reason code, clause or cause: ${error.reasonCode} ${error.clause} ${error.message}`);
    }
    // It is a v5 client's reason string, and a line in the log.
    if (error.message.length > 500) throw new Violation(`an error whose message has ${error.message.length} characters`);
  }

  private checkRoundTrip(packet: Packet, version: ProtocolVersion, role: Role): void {
    const bytes = encode(packet, version);
    const size = encodedSize(packet, version);
    if (size !== bytes.length) throw new Violation(`${packet.type}: encodedSize says ${size}, encode gives ${bytes.length} bytes`);
    const isConnect = packet.type === 'connect';
    const again = read({ version: isConnect ? null : version, role, bytes }, [bytes]);
    if (again.error !== null) throw new Violation(`${packet.type}: written again it is refused: ${again.error.message}`);
    if (again.packets.length !== 1 || !isSame(again.packets[0], packet))
      throw new Violation(`${packet.type}: written and read again it is another`);
    this.tally.roundTrips++;
  }
}

class Violation extends Error {}

function inputOf(random: Random, mutator: Mutator): Input {
  if (random.below(SESSION_IN) === 0) {
    const version = random.pick([3, 4, 5] as const);
    const flow = random.pick(FLOWS.get(version)!);
    let packets = flow.map((seed) => (random.below(8) === 0 ? mutator.packet(seed) : seed.bytes));
    for (let times = random.below(3); times > 0; times--) packets = mutator.sequence(packets);
    // Read in another version now and then.
    return { version: random.below(6) === 0 ? random.pick([3, 4, 5] as const) : version, role: 'server', bytes: Buffer.concat(packets) };
  }
  const seed = random.pick(SEEDS);
  let bytes = mutator.packet(seed);
  if (random.below(6) === 0) bytes = Buffer.concat([bytes, random.pick(SEEDS).bytes]);
  const isConnect = seed.type === 1;
  const odd = random.below(20) === 0;
  const version = isConnect !== odd ? null : odd ? random.pick([3, 4, 5] as const) : seed.version;
  return { version, role: isConnect || version === null ? 'server' : seed.role, bytes };
}

function read({ version, role, bytes }: Input, pieces: Iterable<Buffer>): Reading {
  const reader = new PacketReader({ maxPacketSize: LIMIT, role, ...(version === null ? {} : { version }) });
  const reading: Reading = { packets: [], versions: [], error: null, left: 0 };
  let pushed = 0;
  try {
    for (const piece of pieces) {
      pushed += piece.length;
      reader.push(piece);
      for (let packet = reader.next(); packet !== null; packet = reader.next()) {
        reading.packets.push(packet);
        reading.versions.push(reader.version!);
      }
      if (reader.buffered > Math.min(pushed, LIMIT)) throw new Violation(`${reader.buffered} bytes are held, ${pushed} arrived`);
    }
    reading.left = reader.buffered;
    if (pushed !== bytes.length) throw new Violation('not everything was pushed');
  } catch (error) {
    if (!(error instanceof MqttError)) throw error;
    reading.error = error;
    if (reader.buffered !== 0) throw new Violation(`${reader.buffered} bytes are held after an error`);
    checkDead(reader, error);
  }
  return reading;
}

/** The same error on every further call, and nothing is kept. */
function checkDead(reader: PacketReader, error: MqttError): void {
  reader.push(Buffer.from([0xc0, 0]));
  try {
    reader.next();
  } catch (again) {
    if (again === error && reader.buffered === 0) return;
  }
  throw new Violation('a reader that refused goes on');
}

function checkSame(whole: Reading, pieces: Reading): void {
  const ends = ({ error, left }: Reading): string =>
    error === null ? `${left} bytes left` : `${error.reasonCode} ${error.clause} ${error.message}`;
  if (ends(whole) !== ends(pieces)) throw new Violation(`in pieces it ends with "${ends(pieces)}", as a whole with "${ends(whole)}"`);
  if (!isSame(whole.packets, pieces.packets)) throw new Violation('in pieces it gives other packets than as a whole');
}

/** Deep equality of what packets are made of; undefined is not missing. */
export function isSame(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false;
  if (Buffer.isBuffer(one)) return Buffer.isBuffer(other) && one.equals(other);
  const left = one as Record<string, unknown>;
  const right = other as Record<string, unknown>;
  let count = 0;
  for (const key in left) {
    count++;
    if (!Object.hasOwn(right, key) || !isSame(left[key], right[key])) return false;
  }
  for (const _ in right) count--;
  return count === 0;
}
