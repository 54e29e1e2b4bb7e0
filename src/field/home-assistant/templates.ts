import type { PayloadFormat } from '../schema.js';
import type { Description } from './describe.js';

/**
 * Jinja templates for Home Assistant. What is not good is `None` there, which is shown as unknown, and makes the entity
 * unavailable through its availability: an old value is never shown as if it were of now.
 */

const NONE = "'None'";

/** As a Jinja literal. Control characters and quotes do not occur in JSON's form of a text either. */
const literal = (text: string) => JSON.stringify(text);

/** The object with v, ts, q of a tag, and whether the message has one. */
function sampleOf(payload: PayloadFormat, tag: string): { path: string; exists: string } {
  if (payload !== 'device') return { path: 'value_json', exists: 'value_json is mapping' };
  // `.values` would be the method of a dictionary.
  const path = `value_json['values'][${literal(tag)}]`;
  return { path, exists: `value_json is mapping and ${path} is mapping` };
}

/** `online` for values that may be used, `offline` for others. */
export function availabilityTemplate(payload: PayloadFormat, tag: string): string {
  if (payload === 'value') return "{{ 'offline' if value == '' else 'online' }}";
  const { path, exists } = sampleOf(payload, tag);
  // What can only be written has no value, and can be written.
  const isUsable = `(${path}.get('q') in ['good', 'uncertain'] or ${path}.get('reason') == 'write_only')`;
  return `{{ 'online' if ${exists} and ${isUsable} else 'offline' }}`;
}

export const STATE_AVAILABILITY =
  "{{ 'online' if value_json is mapping and value_json.get('state') in ['online', 'degraded'] else 'offline' }}";
export const STATES = ['online', 'degraded', 'offline'] as const;
export const STATE_VALUE = `{{ value_json.get('state') if value_json is mapping and value_json.get('state') in [${STATES.map((state) => literal(state)).join(', ')}] else ${NONE} }}`;

export function valueTemplate(payload: PayloadFormat, tag: Description): string {
  const { path, exists } = sampleOf(payload, tag.name);
  const isUsable =
    payload === 'value' ? "value != ''" : `${exists} and ${path}.get('q') in ['good', 'uncertain'] and ${path}.get('v') is not none`;
  const value = payload === 'value' ? 'value' : `${path}.get('v')`;
  switch (tag.kind) {
    case 'bool':
      return payload === 'value'
        ? `{{ 'ON' if value == 'true' else 'OFF' if value == 'false' else ${NONE} }}`
        : `{{ ('ON' if ${value} else 'OFF') if ${isUsable} else ${NONE} }}`;
    case 'enum':
      // Home Assistant ignores what is none of the options, and would go on showing the one before.
      return `{{ ${value} if ${isUsable} and ${value} in [${tag.options.map(literal).join(', ')}] else ${NONE} }}`;
    case 'text':
      return tag.writable
        ? `{{ ${value} if ${isUsable} and ${value} | length <= ${tag.maxLength} else ${NONE} }}`
        : `{{ ${value} if ${isUsable} else ${NONE} }}`;
    case 'number':
      if (tag.limits === null) return `{{ ${value} if ${isUsable} else ${NONE} }}`;
      // The same goes for a number outside of what may be written.
      return `{{ ${value} if ${isUsable} and ${tag.limits.min} <= ${value} | float(0) <= ${tag.limits.max} else ${NONE} }}`;
  }
}

/** A text that looks like a number stays a text. */
export const TEXT_COMMAND = "{{ {'v': value} | tojson }}";
