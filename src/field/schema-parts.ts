import { Duration } from '../config/units.js';
import { type TObject, type TProperties, Type } from '../schema-types.js';
import { homeAssistantKeys } from './home-assistant/schema.js';

/** What schemas of the field section are made of. */

export const object = <P extends TProperties>(properties: P, description: string, extra: Record<string, unknown> = {}): TObject<P> =>
  Type.Object(properties, { additionalProperties: false, description, ...extra });

/** Names end up as topic levels: no `/`, `+`, `#`, no control characters, no leading `$`. */
const NAME_PATTERN = '^[^/+#$\\u0000-\\u0020\\u007f][^/+#\\u0000-\\u001f\\u007f]{0,127}$';
export const Name = (description: string) =>
  Type.String({
    pattern: NAME_PATTERN,
    description,
    'x-allowed': 'up to 128 characters without /, + and #, not beginning with $ or a space',
  });

const NAME = new RegExp(NAME_PATTERN);
/** Whether a text can be a name, where the schema can't ask for it: a key. */
export function isName(text: string): boolean {
  return NAME.test(text);
}

export const literals = <T extends readonly string[]>(values: T, options: { description: string; default?: T[number] }) =>
  Type.Unsafe<T[number]>({ type: 'string', enum: [...values], ...options });

const unitText = Type.String({ maxLength: 32, description: 'Unit of the value, as it is shown: °C, kWh.' });
const description = Type.String({ maxLength: 500, description: 'What the value is, in words.' });

/** What any tag has, wherever its value comes from. */
export const valueKeys = {
  unit: Type.Optional(unitText),
  description: Type.Optional(description),
  scale: Type.Optional(Type.Number({ description: 'The raw value is multiplied by this.' })),
  offset: Type.Optional(Type.Number({ description: 'Added after scaling.' })),
  precision: Type.Optional(Type.Integer({ minimum: 0, maximum: 12, description: 'Digits after the point to round to.' })),
  clamp: Type.Optional(
    object(
      {
        min: Type.Optional(Type.Number({ description: 'Smallest value.' })),
        max: Type.Optional(Type.Number({ description: 'Largest value.' })),
      },
      'A value beyond is held at the limit and marked uncertain (out_of_range).',
    ),
  ),
  deadband: Type.Optional(
    Type.Union([Type.Number({ minimum: 0 }), Type.String({ pattern: '^[0-9]+(\\.[0-9]+)?%$' })], {
      description: 'A change smaller than this is not published: an amount, or percent of the last published value (2%).',
    }),
  ),
  publish: literals(['on_change', 'every_scan'] as const, { default: 'on_change', description: 'When a value is published.' }),
  min_interval: Type.Optional(Duration({ description: 'Published at most this often (a change waits; quality changes do not).' })),
  max_interval: Type.Optional(Duration({ description: 'Published at least this often while it is read.' })),
  enum: Type.Optional(
    Type.Record(Type.String({ pattern: '^-?[0-9]+$' }), Type.String(), {
      additionalProperties: false,
      description: 'Names of the values: {0: off, 1: on}.',
    }),
  ),
  ...homeAssistantKeys,
};
