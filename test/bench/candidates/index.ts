import { aedes } from './aedes.js';
import type { Candidate } from './candidate.js';
import { ferrule } from './ferrule.js';
import { libmodbus } from './libmodbus.js';
import { mosquitto } from './mosquitto.js';
import { nodeRed } from './node-red.js';

/** The candidate that ratios refer to; it is measured first in each round. */
export const REFERENCE = 'mosquitto';

const MAKERS: Record<string, (nodeArgs: readonly string[]) => Candidate> = {
  mosquitto: () => mosquitto(false),
  'mosquitto-disk': () => mosquitto(true),
  aedes,
  'node-red': nodeRed,
  libmodbus,
  ferrule,
};

export const PEERS = Object.keys(MAKERS).filter((name) => name !== 'ferrule');

/** The named candidates, the reference first. @param nodeArgs further arguments of Node for those that run on it */
export function candidates(names: readonly string[], nodeArgs: readonly string[]): Candidate[] {
  return Object.keys(MAKERS)
    .filter((name) => names.includes(name))
    .map((name) => MAKERS[name]!(nodeArgs));
}
