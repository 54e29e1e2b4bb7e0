import { aedes } from './aedes.js';
import type { Candidate } from './candidate.js';
import { ferrule } from './ferrule.js';
import { mosquitto } from './mosquitto.js';

/** The candidate that ratios refer to; it is measured first in each round. */
export const REFERENCE = 'mosquitto';

const MAKERS: Record<string, (nodeArgs: readonly string[]) => Candidate> = {
  mosquitto: () => mosquitto(false),
  'mosquitto-disk': () => mosquitto(true),
  aedes,
  ferrule,
};

export const PEERS = Object.keys(MAKERS).filter((name) => name !== 'ferrule');

/** The named candidates, the reference first. @param nodeArgs further arguments of Node for those that run on it */
export function candidates(names: readonly string[], nodeArgs: readonly string[]): Candidate[] {
  return Object.keys(MAKERS)
    .filter((name) => names.includes(name))
    .map((name) => MAKERS[name]!(nodeArgs));
}
