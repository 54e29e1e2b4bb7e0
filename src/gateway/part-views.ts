import type { Field } from '../field/field.js';
import type { Rules } from '../rules/rules.js';
import type { PartStatus } from './supervisor.js';

/** A bus as a part. */
export function busPart({ name, state, lastError }: ReturnType<Field['buses']>[number]): PartStatus {
  return { name: `bus ${name}`, state, since: 0, error: lastError === null ? null : { code: 'FER_FIELD_BUS', message: lastError } };
}

/** A Modbus server as a part. */
export function modbusServerPart({ name, state, error }: ReturnType<Field['modbusServers']>[number]): PartStatus {
  return { name: `modbus_server ${name}`, state, since: 0, error };
}

/** The rules as one part: degraded while a file does not compile. */
export function rulesPart(rules: ReturnType<Rules['rules']>): PartStatus {
  const broken = rules.find(({ state }) => state === 'error');
  if (broken === undefined) return { name: 'rules', state: 'running', since: 0, error: null };
  const place = broken.error === null ? broken.file : `${broken.file}:${broken.error.line}:${broken.error.column}`;
  const message = `${place}: ${broken.error?.message ?? 'does not compile'}`;
  return {
    name: 'rules',
    state: 'degraded',
    since: 0,
    error: { code: 'FER_RULES_FILE', message, hint: 'The version that compiled last keeps running.' },
  };
}
