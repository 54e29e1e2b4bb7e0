import { FilePath } from '../config/types.js';
import { Duration } from '../config/units.js';
import { type Static, Type } from '../schema-types.js';

/** The key `rules` of the configuration. */
export const RulesConfigSchema = Type.Object(
  {
    directory: FilePath({
      description: 'The folder with the rule files (*.yaml, *.yml).',
      default: 'rules',
      must: 'optional',
    }),
  },
  { description: 'Rules: what the gateway does by itself when messages arrive.', default: {}, additionalProperties: false },
);

export type RulesConfig = Static<typeof RulesConfigSchema>;

const Expression = (description: string) => Type.Union([Type.String(), Type.Number(), Type.Boolean()], { description });

const PublishAction = Type.Object(
  {
    topic: Type.String({ description: 'the topic to publish to, with expressions in braces: "alarms/{topic(1)}"' }),
    payload: Type.Unknown({
      description:
        'what to publish: an expression, or an object or list whose texts are expressions ("\'text\'" for a text as it is); null for an empty payload',
    }),
    qos: Type.Optional(Type.Union([Type.Literal(0), Type.Literal(1), Type.Literal(2)], { description: '0, 1 or 2', default: 0 })),
    retain: Type.Optional(Type.Boolean({ description: 'true or false', default: false })),
  },
  { description: 'an object with topic and payload', additionalProperties: false },
);

const WriteAction = Type.Object(
  {
    tag: Type.String({ description: 'the tag to write: device and tag with a dot between them, expressions in braces: "press1.fan"' }),
    value: Expression('an expression for the value to write'),
  },
  { description: 'an object with tag and value', additionalProperties: false },
);

const LogAction = Type.Object(
  {
    message: Type.String({ description: 'the text to log, with expressions in braces' }),
    level: Type.Optional(
      Type.Union([Type.Literal('debug'), Type.Literal('info'), Type.Literal('warn'), Type.Literal('error')], {
        description: 'debug, info, warn or error',
        default: 'info',
      }),
    ),
  },
  { description: 'an object with message', additionalProperties: false },
);

const Action = Type.Object(
  {
    publish: Type.Optional(PublishAction),
    write: Type.Optional(WriteAction),
    log: Type.Optional(LogAction),
  },
  { description: 'an action: publish, write or log', additionalProperties: false, minProperties: 1, maxProperties: 1 },
);

/** One rule of a rule file. The descriptions complete the sentence "must be ..." in errors. */
export const RuleSchema = Type.Object(
  {
    rule: Type.String({
      description: 'the name of the rule: letters, digits, dots, dashes and underscores',
      pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$',
    }),
    description: Type.Optional(Type.String({ description: 'what the rule is for, as text' })),
    on: Type.Object(
      {
        topic: Type.Optional(
          Type.Union([Type.String({ minLength: 1 }), Type.Array(Type.String({ minLength: 1 }), { minItems: 1, maxItems: 100 })], {
            description: 'a topic filter, or a list of topic filters',
          }),
        ),
        retained: Type.Optional(
          Type.Boolean({
            description: 'true or false: whether to act on messages that were retained before the rule started',
            default: false,
          }),
        ),
        every: Type.Optional(Duration({ description: 'a duration of at least 100ms, such as 10s: the rule runs again and again' })),
        startup: Type.Optional(Type.Literal(true, { description: 'true: the rule runs once when it starts' })),
      },
      { description: 'what starts the rule, such as {topic: "field/#"}', additionalProperties: false },
    ),
    let: Type.Optional(
      Type.Record(Type.String(), Expression('an expression'), {
        description: 'names for values, in their order: {temp: payload.v}',
        maxProperties: 50,
      }),
    ),
    when: Type.Optional(Expression('an expression that is true when the rule is to act')),
    for: Type.Optional(Duration({ description: 'a duration such as 30s: how long the condition must hold before the rule acts' })),
    until: Type.Optional(Expression('an expression that is true when the rule may act again')),
    do: Type.Array(Action, { description: 'a list of actions', minItems: 1, maxItems: 50 }),
  },
  { description: 'a rule: an object with rule, on and do', additionalProperties: false },
);

export type RuleSource = Static<typeof RuleSchema>;

/** Keys that the language is designed with and this version does not have, by the place where they stand. */
export const NOT_YET: Readonly<Record<string, readonly string[]>> = {
  rule: ['alarm', 'tests', 'window', 'group', 'throttle', 'debounce', 'changed', 'deadband', 'lag', 'join'],
  on: ['tags', 'cron', 'device'],
  do: ['http', 'store', 'bridge', 'set'],
};
