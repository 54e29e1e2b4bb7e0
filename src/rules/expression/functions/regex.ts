import { RE2JS } from 're2js';
import { messageOf } from '../../../errors.js';
import { LIMITS } from '../limits.js';
import { charge, EvaluationFault, type Value } from '../values.js';
import { define, expectText, type RuleFunction } from './define.js';

/**
 * RE2's regular expressions: no backtracking, so the time grows with the text and not beyond. How fast depends on the
 * size of the pattern's program; both are charged for.
 */
export interface Pattern {
  regex: RE2JS;
  size: number;
}

/** Compiles a pattern. Throws an EvaluationFault in words where it is none. */
export function compilePattern(text: string): Pattern {
  if (text.length > LIMITS.patternLength) {
    throw new EvaluationFault(`the regular expression is longer than ${LIMITS.patternLength} characters`);
  }
  try {
    const regex = RE2JS.compile(text);
    return { regex, size: regex.programSize() };
  } catch (error) {
    throw new EvaluationFault(`the regular expression is not valid: ${messageOf(error).replace(/^error parsing regexp: /, '')}`);
  }
}

/** Patterns by their text, the most recently used last. */
const compiled = new Map<string, Pattern>();

function patternFor(text: string): Pattern {
  let pattern = compiled.get(text);
  if (pattern === undefined) pattern = compilePattern(text);
  else compiled.delete(text);
  compiled.set(text, pattern);
  if (compiled.size > LIMITS.cachedPatterns) {
    const oldest = compiled.keys().next().value;
    if (oldest !== undefined) compiled.delete(oldest);
  }
  return pattern;
}

function matches(budget: { work: number }, text: string, pattern: Pattern): boolean {
  chargeMatch(budget, text, pattern);
  return pattern.regex.matcher(text).find();
}

function groups(budget: { work: number }, text: string, pattern: Pattern): Value {
  chargeMatch(budget, text, pattern);
  const matcher = pattern.regex.matcher(text);
  if (!matcher.find()) return null;
  return Array.from({ length: matcher.groupCount() + 1 }, (_none, index) => matcher.group(index) ?? null);
}

function chargeMatch(budget: { work: number }, text: string, pattern: Pattern): void {
  charge(budget, 10 + Math.ceil((text.length * pattern.size) / 8));
}

function pattern(
  name: string,
  description: string,
  example: readonly [string, string],
  none: Value,
  run: (budget: { work: number }, text: string, pattern: Pattern) => Value,
): RuleFunction & { withPattern: (budget: { work: number }, text: Value, pattern: Pattern) => Value } {
  const withPattern = (budget: { work: number }, text: Value, regex: Pattern): Value =>
    text === null ? none : run(budget, expectText(text, `the first argument of ${name}`), regex);
  const definition = define(name, 'text, pattern', description, example, (scope, text = null, regex = null) => {
    charge(scope, 1000);
    return withPattern(scope, text, patternFor(expectText(regex, `the pattern of ${name}`)));
  });
  return { ...definition, withPattern };
}

/** Functions whose second argument is a regular expression, compiled with the rule where it is a literal. */
export const REGEX_FUNCTIONS = [
  pattern(
    'matches',
    'Whether a regular expression (RE2) is found in a text; ^ and $ tie it to its ends.',
    ['matches("ST,GS,12.5kg", "^ST,")', 'true'],
    false,
    matches,
  ),
  pattern(
    'match',
    'What a regular expression finds in a text: the whole match and its groups as a list; null if it finds nothing.',
    ['match("12.5kg", "([0-9.]+)(kg|g)")', '["12.5kg","12.5","kg"]'],
    null,
    groups,
  ),
];
