import { BIT_FUNCTIONS } from './bits.js';
import type { RuleFunction } from './define.js';
import { MATH_FUNCTIONS } from './math.js';
import { REGEX_FUNCTIONS } from './regex.js';
import { TEXT_FUNCTIONS } from './text.js';
import { VALUE_FUNCTIONS } from './values.js';

/** Every function of the language, in the order of the documentation. */
export const FUNCTION_GROUPS: readonly { title: string; functions: readonly RuleFunction[] }[] = [
  { title: 'Numbers', functions: MATH_FUNCTIONS },
  { title: 'Text', functions: TEXT_FUNCTIONS },
  { title: 'Regular expressions', functions: REGEX_FUNCTIONS },
  { title: 'Bits', functions: BIT_FUNCTIONS },
  { title: 'Values, time and topic', functions: VALUE_FUNCTIONS },
];

export const FUNCTIONS: ReadonlyMap<string, RuleFunction> = new Map(
  FUNCTION_GROUPS.flatMap((group) => group.functions).map((definition) => [definition.name, definition]),
);
