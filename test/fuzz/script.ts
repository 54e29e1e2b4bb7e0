import type { ProtocolVersion } from '../../src/mqtt/packets.js';
import { Random } from '../mqtt/random.js';
import { CONNECTS, clientIdField, FLOWS, HOSTILE_TEXTS, LONG_TEXTS, SEEDS, type Seed } from './corpus.js';
import { Mutator, seedOfRound } from './mutate.js';
import { bytesOfShape, type Field } from './shape.js';

/** Client ids that come again, so that sessions are resumed and taken over. */
const CLIENT_IDS = 40;

/** All that one bad client is going to do; follows from the seed and the number alone. */
export interface Script {
  /** Packets that were changed, left out, doubled or moved, and packets in all. */
  mutated: number;
  packets: number;
  chunks: Buffer[];
  /** Whether it answers what it is sent: as it should, with anything, or not at all. */
  answers: 'right' | 'wrong' | 'none';
  /** It does not read. */
  frozen: boolean;
  /** Chunks that it sends in one turn of the event loop. */
  pace: number;
  end: 'close' | 'reset' | 'vanish';
  random: Random;
}

export function scriptOf(seed: number, number: number): Script {
  const random = new Random(seedOfRound(seed, number));
  const mutator = new Mutator(random);
  const version = random.pick([3, 4, 5] as const);
  const script: Script = {
    mutated: 0,
    packets: 0,
    chunks: [],
    answers: random.pick(['right', 'right', 'wrong', 'none']),
    frozen: random.below(12) === 0,
    pace: random.pick([1, 2, 4, 1000]),
    end: random.pick(['close', 'close', 'reset', 'vanish']),
    random,
  };
  const packets = [...opening(mutator, version, script), ...body(mutator, version, script)];
  script.packets = packets.length;
  for (const chunk of mutator.chunks(Buffer.concat(packets))) script.chunks.push(chunk);
  return script;
}

/** Mostly a CONNECT that is taken. */
function opening(mutator: Mutator, version: ProtocolVersion, script: Script): Buffer[] {
  const { random } = mutator;
  const kind = random.below(100);
  if (kind < 80) return [goodConnect(random, version)];
  script.mutated++;
  if (kind < 94) return [mutator.packet(random.pick(CONNECTS.get(version)!))];
  if (kind < 98) return [mutator.packet(random.pick(SEEDS))];
  return [];
}

function goodConnect(random: Random, version: ProtocolVersion): Buffer {
  const { shape } = random.pick(CONNECTS.get(version)!);
  const fields: Field[] = [...shape.fields];
  const kind = random.below(300);
  const text =
    kind === 0 ? random.pick(LONG_TEXTS) : kind < 10 ? random.pick(HOSTILE_TEXTS) : Buffer.from(`bad-${random.below(CLIENT_IDS)}`);
  fields[clientIdField(version)] = { kind: 'text', bytes: text, lie: null };
  return bytesOfShape({ header: shape.header, fields });
}

/** Some flows one behind the other; the more of it is changed, the sooner it ends. */
function body(mutator: Mutator, version: ProtocolVersion, script: Script): Buffer[] {
  const { random } = mutator;
  const every = random.pick([2, 4, 8, 16]);
  const change = (seed: Seed): Buffer => {
    if (random.below(every) > 0) return seed.bytes;
    script.mutated++;
    return mutator.packet(seed);
  };
  // Somebody who speaks another version than his CONNECT said.
  const spoken = random.below(25) === 0 ? random.pick([3, 4, 5] as const) : version;
  let packets: Buffer[] = [];
  for (let flows = 1 + random.below(4); flows > 0; flows--) packets.push(...random.pick(FLOWS.get(spoken)!).map(change));
  for (let times = random.below(4); times > 0; times--) {
    packets = mutator.sequence(packets);
    script.mutated++;
  }
  return packets;
}
