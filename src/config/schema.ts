import { BridgesSchema } from '../bridge/schema.js';
import { AccessSchema, BrokerSchema } from '../broker/schema.js';
import { ConsoleSettingsSchema, MetricsSettingsSchema } from '../console/schema.js';
import { FieldSchema } from '../field/schema.js';
import { RulesConfigSchema } from '../rules/schema.js';
import { type Static, Type } from '../schema-types.js';

const strictly = { additionalProperties: false };

const LogLevel = Type.Union(
  (['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const).map((level) => Type.Literal(level)),
  { description: 'From little to much: fatal, error, warn, info, debug, trace; silent: nothing.' },
);

export const GatewaySchema = Type.Object(
  {
    id: Type.String({
      description: 'Name of this gateway in topics and client ids.',
      pattern: '^[^\\s/+#$]{1,64}$',
      'x-allowed': 'up to 64 characters without spaces, /, +, # and $',
      'x-default': "the host's name",
    }),
    name: Type.String({ description: 'Name that people see.', minLength: 1, maxLength: 100, 'x-default': 'the id' }),
    time_zone: Type.String({
      description: 'Time zone for schedules and for what people read, as in Europe/Paris.',
      'x-default': "the system's",
    }),
  },
  { ...strictly, description: 'Who this gateway is.' },
);

export const LogSchema = Type.Object(
  {
    level: Type.Unsafe<LogLevelName>({ ...LogLevel, default: 'info' }),
    levels: Type.Record(Type.String(), Type.Unsafe<LogLevelName>(LogLevel), {
      description: 'Levels of single modules (broker, store, field, rules, bridge, console), which win over `level`.',
      default: {},
    }),
  },
  { ...strictly, description: 'What is logged, as JSON on standard output.' },
);
type LogLevelName = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';

const DiscoverySchema = Type.Object(
  {
    home_assistant: Type.Boolean({
      default: false,
      description: 'Short for `field.home_assistant: {enabled: true}`: announce the devices to Home Assistant.',
    }),
  },
  { ...strictly, description: 'How the gateway makes itself known.' },
);

/** The whole configuration, composed of each module's own fragment. */
export const ConfigSchema = Type.Object(
  {
    gateway: GatewaySchema,
    broker: BrokerSchema,
    access: AccessSchema,
    field: FieldSchema,
    bridges: BridgesSchema,
    rules: RulesConfigSchema,
    console: ConsoleSettingsSchema,
    metrics: MetricsSettingsSchema,
    discovery: DiscoverySchema,
    log: LogSchema,
  },
  strictly,
);

/** The configuration as code sees it: defaults filled in, durations in ms, sizes in bytes, secrets as text, paths absolute. */
export type Config = Static<typeof ConfigSchema>;
