import type { Clock } from '../../clock.js';
import { Exception } from './exceptions.js';
import type { Conduct } from './modbus-tcp-server.js';
import type { Random } from './random.js';

const ANSWER: Conduct = { does: 'answer' };
const IGNORE: Conduct = { does: 'ignore' };
/** ms after the start until it falls silent for the first time. */
const FIRST_SILENCE = 45_000;
const SILENCE = 15_000;
/** ms from the end of one silence to the next. */
const BETWEEN = 105_000;

/** A device with a loose connector: silent for 15 s every two minutes; now and then busy (exception 6), or late by seconds. */
export function moodyConduct(clock: Clock, random: Random): () => Conduct {
  let silentFrom = clock.mono() + FIRST_SILENCE;
  return () => {
    const now = clock.mono();
    while (now >= silentFrom + SILENCE) silentFrom += SILENCE + BETWEEN;
    if (now >= silentFrom) return IGNORE;
    const chance = random.next();
    if (chance < 0.01) return { does: 'refuse', exception: Exception.busy };
    if (chance < 0.015) return { does: 'delay', ms: random.between(1200, 2500) };
    return ANSWER;
  };
}
