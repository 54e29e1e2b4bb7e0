import type { Config } from '../config/schema.js';
import type { FieldConfig } from '../field/schema.js';

/** The field's section, with what other sections say about it. */
export function fieldConfigOf({ field, discovery }: Config): FieldConfig {
  return discovery.home_assistant ? { ...field, home_assistant: { ...field.home_assistant, enabled: true } } : field;
}
