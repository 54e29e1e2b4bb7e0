import type { ErrorPlace } from '../../errors.js';
import type { Evaluate } from '../expression/operators.js';
import type { Scope } from '../expression/scope.js';
import { typeName } from '../expression/values.js';
import type { Action } from '../rule.js';
import { ruleError } from '../rule-error.js';

export interface WriteSettings {
  tag: (scope: Scope) => string;
  value: Evaluate;
  place: ErrorPlace;
  valuePlace: ErrorPlace;
}

/** What is wrong with the name of a tag, in words; null: nothing. */
export function faultOfTag(name: string): string | null {
  return /^[^.]+\.[^.]+$/.test(name) ? null : `${JSON.stringify(name)} is not a device and a tag with a dot between them`;
}

/** `write`: a value for a tag of a device. */
export function compileWrite({ tag, value, place, valuePlace }: WriteSettings): Action {
  return (scope) => {
    const name = tag(scope);
    const fault = faultOfTag(name);
    if (fault !== null) throw ruleError('FER_RULES_ACTION', fault, { where: place });
    const [device = '', tagName = ''] = name.split('.');
    const written = value(scope);
    if (written === null || typeof written === 'object') {
      throw ruleError('FER_RULES_ACTION', `${typeName(written)} cannot be written to ${name}`, { where: valuePlace });
    }
    return (context) => context.write(device, tagName, written);
  };
}
