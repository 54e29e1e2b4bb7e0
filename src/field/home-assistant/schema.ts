import { type Static, Type } from '../../schema-types.js';

/** `field.home_assistant`. */
export const HomeAssistantSchema = Type.Object(
  {
    enabled: Type.Boolean({
      default: false,
      description: 'Announce the devices to Home Assistant over MQTT discovery: each with its tags as entities.',
    }),
    prefix: Type.String({
      pattern: '^[^/+#$\\u0000][^+#\\u0000]*[^/+#\\u0000]$',
      default: 'homeassistant',
      description: "Discovery prefix, as in Home Assistant's MQTT options.",
    }),
    birth_topic: Type.String({
      pattern: '^[^+#$\\u0000][^+#\\u0000]*$',
      default: 'homeassistant/status',
      description: 'Where Home Assistant says `online` when it starts; everything is announced again then.',
    }),
  },
  { additionalProperties: false, description: 'Home Assistant.', default: {} },
);

export type HomeAssistantConfig = Static<typeof HomeAssistantSchema>;

const className = '^[a-z][a-z0-9_]*$';

/** What a tag can say about itself to Home Assistant. */
export const homeAssistantKeys = {
  device_class: Type.Optional(
    Type.String({
      pattern: className,
      description: "Home Assistant's device class. Default: from the unit where it says enough (V, °C, kWh, ...); `none`: none.",
    }),
  ),
  state_class: Type.Optional(
    Type.Unsafe<'measurement' | 'total' | 'total_increasing' | 'none'>({
      type: 'string',
      enum: ['measurement', 'total', 'total_increasing', 'none'],
      description:
        "Home Assistant's state class. Default: measurement for numbers with a unit, none for energy: say total_increasing where it is a counter.",
    }),
  ),
};
