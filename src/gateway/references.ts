import type { Config } from '../config/schema.js';
import type { Reference } from '../console/removals.js';
import type { DeviceConfig } from '../field/schema.js';
import { rawTopics } from '../field/serial/raw-topics.js';
import { proxyRange } from '../field/server/units.js';
import { Topics } from '../field/topics.js';
import type { RuleUse } from '../rules/rules.js';
import { overlap } from '../rules/topics.js';

/**
 * What of a configuration and of the rules names a device. A filter that takes in any device (`field/#`) names none; what
 * is only known when a rule runs (`{topic(1)}`) can't be seen here.
 */
export function referencesTo(device: DeviceConfig, config: Config, rules: readonly RuleUse[]): Reference[] {
  const names = filterTest(device, config);
  const { field, bridges, access } = config;
  return [
    ...field.modbus_servers.flatMap((server) => [
      ...server.tags
        .filter((entry) => entry.device === device.name)
        .map(({ tag, unit, address }) => {
          return { kind: 'modbus_server' as const, name: server.name, by: `${device.name}/${tag} (unit ${unit}, ${address})` };
        }),
      ...server.proxy
        .filter((entry) => isPassedOn(entry, device))
        .map(({ unit }) => {
          return { kind: 'modbus_proxy' as const, name: server.name, by: `${device.bus}, unit ${unit}` };
        }),
    ]),
    ...rules.flatMap((rule) =>
      [
        ...rule.filters.filter(names),
        ...rule.tags.filter((tag) => tag.startsWith(`${device.name}.`)),
        // What stands in braces is filled in when the rule runs.
        ...rule.topics.filter((topic) => names(topic.replace(/[^/]*\{[^}]*\}[^/]*/g, '+'))),
      ].map((by) => ({ kind: 'rule' as const, name: rule.name, by })),
    ),
    ...bridges.flatMap((bridge) => [
      ...bridge.out.filter(({ topic }) => names(topic)).map(({ topic }) => ({ kind: 'bridge' as const, name: bridge.name, by: topic })),
      ...bridge.in
        .filter(({ to }) => names(to.replace(/\{[^}]*\}/g, '+')))
        .map(({ to }) => {
          return { kind: 'bridge' as const, name: bridge.name, by: to };
        }),
    ]),
    ...access.rules.flatMap(({ user, topics }) =>
      topics.filter((topic) => names(topic.replace(/[^/]*%[uc][^/]*/g, '+'))).map((by) => ({ kind: 'access' as const, name: user, by })),
    ),
  ];
}

type ProxyEntry = Config['field']['modbus_servers'][number]['proxy'][number];

function isPassedOn(entry: ProxyEntry, device: DeviceConfig): boolean {
  if (!('unit' in device) || entry.bus !== device.bus) return false;
  const { first, last, deviceFirst } = proxyRange(entry);
  return device.unit >= deviceFirst && device.unit <= deviceFirst + last - first;
}

/** Whether a filter takes in topics of this device, and would not of one with another name. */
function filterTest(device: DeviceConfig, { field }: Config): (filter: string) => boolean {
  const topics = new Topics(field.topics);
  const own = patternsOf(device, topics);
  const others = patternsOf({ ...device, name: '\u0001' }, topics);
  return (filter) =>
    own.some((pattern, index) => {
      const other = others[index] ?? '';
      // Of raw bytes on topics without the device's name.
      if (other === pattern) return filter === pattern;
      return overlap(filter, pattern) && !overlap(filter, other);
    });
}

function patternsOf(device: DeviceConfig, topics: Topics): string[] {
  const { name } = device;
  const raw = 'decode' in device && device.decode.type === 'raw' ? rawTopics({ ...device, decode: device.decode }) : null;
  if (raw !== null) return [topics.state(name), raw.rx, ...(raw.tx === null ? [] : [raw.tx, `${raw.tx}/result`])];
  const tag = topics.set(name, '+');
  return [topics.state(name), topics.value(name, '+'), tag, `${tag}/result`];
}
