import { parseArgs } from 'node:util';

export interface BenchOptions {
  /** Scenario ids, or the benchmark before the dot; empty: all. */
  only: string[];
  /** Names of candidates besides the product. */
  against: string[];
  /** false: only the peers are measured. */
  product: boolean;
  rounds: number;
  /** Of one measurement. */
  seconds: number;
  /** Seconds in all that may go into repeating what other programs disturbed. */
  patience: number;
  /** File for the results. */
  json: string | null;
  /** Folder for CPU profiles of the candidates that run on Node. */
  cpuProf: string | null;
}

export const USAGE = `npm run bench -- [options]
  --only B1,B3.qos1         only these scenarios, by benchmark or by full id
  --against mosquitto,...   the peers to compare with: mosquitto, mosquitto-disk, aedes, and in the field
                            node-red, libmodbus (default: all); "none" for none
  --without-product         only the peers
  --rounds N                how often everything is measured, interleaved (default 3)
  --seconds N               how long one measurement takes (default 2)
  --patience N              seconds in all for repeating what other programs disturbed (default 60; 0: never)
  --json FILE               keep the results
  --cpu-prof DIR            write CPU profiles of the candidates that run on Node
`;

/** Throws an Error in words for people where an argument is wrong. @param peers names that --against may hold */
export function parseOptions(args: readonly string[], peers: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string', default: '' },
      against: { type: 'string', default: peers.join(',') },
      'without-product': { type: 'boolean', default: false },
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '2' },
      patience: { type: 'string', default: '60' },
      json: { type: 'string' },
      'cpu-prof': { type: 'string' },
    },
  });
  const against = values.against === 'none' ? [] : list(values.against);
  const unknown = against.filter((name) => !peers.includes(name));
  if (unknown.length > 0) throw new Error(`There is no peer ${unknown.join(', ')}; there are ${peers.join(', ')}.`);
  return {
    only: list(values.only),
    against,
    product: !values['without-product'],
    rounds: Math.floor(positive('--rounds', values.rounds)),
    seconds: positive('--seconds', values.seconds),
    patience: values.patience === '0' ? 0 : positive('--patience', values.patience),
    json: values.json ?? null,
    cpuProf: values['cpu-prof'] ?? null,
  };
}

/** Whether `--only` (no words: everything) names a scenario: B3 means B3.qos1 too. */
export function isWanted(id: string, only: readonly string[]): boolean {
  return only.length === 0 || only.some((word) => id === word || id.startsWith(`${word}.`));
}

function list(text: string): string[] {
  return text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
}

function positive(option: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`${option} needs a number above 0, not "${text}".`);
  if (option === '--rounds' && value < 1) throw new Error('--rounds needs 1 or more.');
  return value;
}
