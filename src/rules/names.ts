import type { Names } from './expression/compile.js';
import type { Evaluate } from './expression/operators.js';

/** What every expression of a rule can name, before the names under let. With its line in docs/rules.md. */
export const BUILT_IN_NAMES: readonly { name: string; description: string; evaluate: Evaluate }[] = [
  {
    name: 'payload',
    description:
      'What the message says: its JSON value where it is JSON (so `21.5` is a number and `true` a boolean), else its text; null where it is empty or not UTF-8',
    evaluate: (scope) => scope.view?.payload ?? null,
  },
  { name: 'payloadBytes', description: 'Bytes of the payload', evaluate: (scope) => scope.view?.message.payload.length ?? null },
  {
    name: 'topic',
    description: 'The topic, as text; `topic(1)` is its second level',
    evaluate: (scope) => scope.view?.message.topic ?? null,
  },
  { name: 'levels', description: 'The levels of the topic, as a list of texts', evaluate: (scope) => scope.view?.levels ?? null },
  {
    name: 'qos',
    description: 'The quality of service with which it was published: 0, 1 or 2',
    evaluate: (scope) => scope.view?.message.qos ?? null,
  },
  { name: 'retain', description: 'Whether it is a retained message', evaluate: (scope) => scope.view?.message.retain ?? null },
  { name: 'ts', description: 'When it arrived: milliseconds since 1970', evaluate: (scope) => scope.view?.ts ?? null },
];

/** Known in `do`, where a rule has fired. */
export const SINCE = {
  name: 'since',
  description: 'In `do` only: since when the condition holds, in milliseconds since 1970; without `for` and `until`, the time of this run',
  evaluate: (scope: Parameters<Evaluate>[0]) => scope.since ?? scope.now,
};

export const MESSAGE_NAMES: Names = new Map(BUILT_IN_NAMES.map(({ name, evaluate }) => [name, evaluate]));
