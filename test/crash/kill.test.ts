import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seed } from '../mqtt/random.js';
import { torture } from './torture.js';

/** Kills in all: npm run test:crash makes many, FERRULE_CRASH_ROUNDS as many as it says. */
const ROUNDS = Number(process.env.FERRULE_CRASH_ROUNDS ?? (process.env.FERRULE_LONG === '1' ? 200 : 6));
/** Each test starts with an empty gateway and has to end in time. */
const PER_TEST = 25;
const first = seed();

for (let done = 0; done < ROUNDS; done += PER_TEST) {
  const rounds = Math.min(PER_TEST, ROUNDS - done);
  const name = done === 0 ? '' : ` (kills ${done + 1} to ${done + rounds})`;
  test(`kill -9 under load: nothing acknowledged is lost, nothing at QoS 2 comes twice, order holds${name}`, async (t) => {
    const own = first + done;
    t.diagnostic(`seed ${own}`);
    const { kills, acknowledged, delivered } = await torture(t, rounds, own);
    t.diagnostic(`${kills} kills, ${acknowledged} acknowledgements, ${delivered} deliveries`);
    assert.ok(acknowledged > kills * 20, `${acknowledged} acknowledged in ${kills} rounds: too few to prove anything`);
  });
}
