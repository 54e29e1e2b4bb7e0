import type { ConfigFault, Path } from './check-parts.js';
import { scanClassOf } from './modbus/scan-class.js';
import type { DeviceConfig, FieldConfig, TopicsConfig } from './schema.js';
import { isInstrument } from './schema.js';
import { isRaw, rawTopics } from './serial/raw-topics.js';
import { FRAME_GROUP, instrumentFields } from './serial/schema.js';
import { Topics } from './topics.js';

/** The templates of the topics, and that what they give is one topic for each thing. */
export function checkTopics(config: FieldConfig): ConfigFault[] {
  const faults = checkTemplates(config.topics);
  // What a wrong template gives says nothing.
  return faults.length > 0 ? faults : checkUse(config);
}

function checkTemplates(topics: TopicsConfig): ConfigFault[] {
  const faults: ConfigFault[] = [];
  const wrong = (key: keyof TopicsConfig, message: string, hint: string) => faults.push({ path: ['topics', key], message, hint });
  for (const key of ['value', 'set', 'state'] as const) {
    const template = topics[key];
    if (/[+#]/.test(template)) wrong(key, `${template} has a wildcard in it.`, 'A topic to publish to has no + and #.');
    const unknown = /\{(?!device\}|tag\})[^}]*\}?/.exec(template)?.[0];
    if (unknown !== undefined) wrong(key, `${template} has the unknown placeholder ${unknown}.`, 'There are {device} and {tag}.');
    if (!template.includes('{device}')) wrong(key, `${template} is the same for all devices.`, 'Put {device} into it.');
    if (key === 'state' && template.includes('{tag}')) wrong(key, `${template} has {tag}, but a state is of a device.`, 'Leave {tag} out.');
    if (key !== 'state' && !template.includes('{tag}')) wrong(key, `${template} is the same for all tags.`, 'Put {tag} into it.');
    if (template.startsWith('$') || template.startsWith('/')) wrong(key, `${template} begins with ${template[0]}.`, 'Begin with a name.');
  }
  if (topics.value === topics.set) wrong('set', 'Values and writes have the same topic.', 'Let set end with /set.');
  return faults;
}

/** What a topic is used for. */
interface Use {
  topic: string;
  /** As in: "the value of meter/power". */
  what: string;
  path: Path;
}

/**
 * A topic is one thing: two tags that are written through the same topic would be one write to the wrong device, a value
 * and a state on one topic would replace one another.
 */
function checkUse(config: FieldConfig): ConfigFault[] {
  const taken = new Map<string, Use>();
  const faults: ConfigFault[] = [];
  const topics = new Topics(config.topics);
  for (const [index, device] of config.devices.entries()) {
    for (const use of usesOf(device, ['devices', index], topics, config.payload)) {
      const other = taken.get(use.topic);
      if (other === undefined) taken.set(use.topic, use);
      // Two things of one name: that is said of the names.
      else if (other.what !== use.what) {
        const message = `${use.topic} would be ${use.what}, and is ${other.what} already.`;
        faults.push({ path: use.path, message, hint: 'Give one of them another name, or change the topics.' });
      }
    }
  }
  return faults;
}

function* usesOf(device: DeviceConfig, path: Path, topics: Topics, payload: FieldConfig['payload']): Generator<Use> {
  const { name } = device;
  yield { topic: topics.state(name), what: `the state of ${name}`, path };
  if (isInstrument(device) && isRaw(device)) {
    const { rx, tx } = rawTopics(device);
    const at = [...path, 'decode'];
    yield { topic: rx, what: `what ${name} receives`, path: [...at, 'rx'] };
    if (tx === null) return;
    yield { topic: tx, what: `what ${name} sends`, path: [...at, 'tx'] };
    yield { topic: `${tx}/result`, what: `the results of sending to ${name}`, path: [...at, 'tx'] };
    return;
  }
  const groups = new Set<string>();
  for (const { tag, group, at } of tagsOf(device, path)) {
    const of = `${name}/${tag}`;
    groups.add(group);
    if (payload !== 'device') yield { topic: topics.value(name, tag), what: `the value of ${of}`, path: at };
    const set = topics.set(name, tag);
    yield { topic: set, what: `what ${of} is set with`, path: at };
    yield { topic: `${set}/result`, what: `the results of setting ${of}`, path: at };
  }
  if (payload !== 'device') return;
  for (const group of groups) yield { topic: topics.value(name, group), what: `the values ${group} of ${name}`, path };
}

/** `group`: what is one message with payload `device`. */
function tagsOf(device: DeviceConfig, path: Path): { tag: string; group: string; at: Path }[] {
  return isInstrument(device)
    ? instrumentFields(device).map(({ name }, index) => ({ tag: name, group: FRAME_GROUP, at: [...path, 'decode', 'fields', index] }))
    : device.tags.map((tag, index) => ({ tag: tag.name, group: scanClassOf(tag, device), at: [...path, 'tags', index] }));
}
