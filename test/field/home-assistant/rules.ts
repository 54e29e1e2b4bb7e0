import { BINARY_CLASSES, NUMERIC_CLASSES, SWITCH_CLASSES } from '../../../src/field/home-assistant/classes.js';

/**
 * What Home Assistant 2025.10 asks of a device discovery message, written from its documentation of MQTT discovery and of
 * the MQTT platforms: https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload. It ignores keys that it
 * does not know; here they are faults, since we mean something by every key.
 */

type Json = Record<string, unknown>;

const COMMON = [
  'platform',
  'unique_id',
  'name',
  'availability',
  'availability_mode',
  'device_class',
  'entity_category',
  'json_attributes_topic',
  'state_topic',
  'value_template',
];
const KEYS: Record<string, { required: string[]; optional: string[] }> = {
  sensor: {
    required: ['state_topic'],
    optional: ['expire_after', 'options', 'state_class', 'suggested_display_precision', 'unit_of_measurement'],
  },
  binary_sensor: { required: ['state_topic'], optional: ['expire_after', 'payload_on', 'payload_off'] },
  switch: { required: ['command_topic'], optional: ['payload_on', 'payload_off', 'state_on', 'state_off'] },
  number: { required: ['command_topic'], optional: ['command_template', 'min', 'max', 'step', 'mode', 'unit_of_measurement'] },
  select: { required: ['command_topic', 'options'], optional: ['command_template'] },
  text: { required: ['command_topic'], optional: ['command_template', 'min', 'max', 'mode', 'pattern'] },
};
const STATE_CLASSES = ['measurement', 'total', 'total_increasing'];
/** Device classes that a mean makes no sense of, and those that are only sums. */
const SUMS = ['energy', 'gas', 'water', 'volume', 'reactive_energy', 'monetary'];

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === 'string' && value.length > 0;
const isTopic = (value: unknown): value is string => isText(value) && !/[+#\0]/.test(value);
const isTemplate = (value: unknown): value is string => isText(value) && /^\{\{ .* \}\}$/.test(value);

/** Every fault in words; none: Home Assistant takes it. */
export function faultsOf(prefix: string, topic: string, payload: string): string[] {
  const faults: string[] = [];
  const wrong = (message: string) => faults.push(message);
  if (!topic.startsWith(`${prefix}/`)) wrong(`${topic} is not below ${prefix}`);
  // TOPIC_MATCHER of the integration: component, node, object.
  if (!/^device\/(?:[a-zA-Z0-9_-]+\/)?[a-zA-Z0-9_-]+\/config$/.test(topic.slice(prefix.length + 1)))
    wrong(`${topic} is no discovery topic`);
  const message: unknown = JSON.parse(payload);
  if (!isObject(message)) return [...faults, 'it is no object'];
  for (const key of Object.keys(message)) if (!['device', 'origin', 'components', 'qos'].includes(key)) wrong(`unknown key ${key}`);
  const { device, origin, components, qos } = message;
  if (!isObject(device) || !Array.isArray(device.identifiers) || device.identifiers.length === 0 || !device.identifiers.every(isText))
    wrong('device has no identifiers');
  else if (!isText(device.name)) wrong('device has no name');
  if (!isObject(origin) || !isText(origin.name)) wrong('origin has no name');
  if (![0, 1, 2].includes(qos as number)) wrong('qos');
  if (!isObject(components) || Object.keys(components).length === 0) return [...faults, 'there are no components'];
  const ids = new Set<unknown>();
  for (const [key, component] of Object.entries(components)) {
    if (!isObject(component)) wrong(`${key} is no object`);
    else {
      if (Object.keys(component).length > 1 && ids.has(component.unique_id)) wrong(`${key}: the unique id is there twice`);
      ids.add(component.unique_id);
      faults.push(...componentFaults(component).map((fault) => `${key}: ${fault}`));
    }
  }
  return faults;
}

function componentFaults(component: Json): string[] {
  const keys = KEYS[String(component.platform)];
  if (keys === undefined) return [`there is no platform ${String(component.platform)}`];
  // A removal: the platform and nothing else.
  if (Object.keys(component).length === 1) return [];
  const faults: string[] = [];
  const wrong = (message: string) => faults.push(message);
  for (const key of ['unique_id', 'name', ...keys.required]) if (component[key] === undefined) wrong(`${key} is missing`);
  for (const key of Object.keys(component))
    if (![...COMMON, ...keys.required, ...keys.optional].includes(key)) wrong(`${String(component.platform)} knows no ${key}`);
  for (const [key, value] of Object.entries(component)) {
    if (key.endsWith('_topic') && !isTopic(value)) wrong(`${key} is no topic`);
    if (key.endsWith('_template') && !isTemplate(value)) wrong(`${key} is no template`);
    if (key === 'entity_category' && value !== 'diagnostic' && value !== 'config') wrong('entity_category');
  }
  if (component.availability !== undefined) {
    if (!['all', 'any', 'latest'].includes(String(component.availability_mode))) wrong('availability_mode');
    for (const entry of component.availability as unknown[]) {
      if (!isObject(entry) || !isTopic(entry.topic) || !isTemplate(entry.value_template)) wrong('availability');
    }
  }
  faults.push(...valueFaults(component));
  return faults;
}

function valueFaults(component: Json): string[] {
  const faults: string[] = [];
  const wrong = (message: string) => faults.push(message);
  const { platform, device_class: deviceClass, state_class: stateClass, unit_of_measurement: unit, options } = component;
  if (unit !== undefined && !isText(unit)) wrong('the unit is empty');
  switch (platform) {
    case 'sensor': {
      if (options !== undefined) {
        if (deviceClass !== 'enum') wrong('options without device class enum');
        if (stateClass !== undefined || unit !== undefined) wrong('options with a state class or a unit');
        if (!Array.isArray(options) || options.length === 0) wrong('no options');
      } else if (deviceClass === 'enum') wrong('enum without options');
      if (stateClass !== undefined && !STATE_CLASSES.includes(String(stateClass))) wrong(`state class ${String(stateClass)}`);
      if (SUMS.includes(String(deviceClass)) && stateClass === 'measurement') wrong(`${String(deviceClass)} is no measurement`);
      if (deviceClass !== 'enum') numericClass(deviceClass, unit, wrong);
      const precision = component.suggested_display_precision;
      if (precision !== undefined && !(Number.isInteger(precision) && Number(precision) >= 0)) wrong('precision');
      const expiry = component.expire_after;
      if (expiry !== undefined && !(Number.isInteger(expiry) && Number(expiry) > 0)) wrong('expire_after');
      break;
    }
    case 'binary_sensor':
      if (deviceClass !== undefined && !BINARY_CLASSES.includes(String(deviceClass))) wrong(`device class ${String(deviceClass)}`);
      break;
    case 'switch':
      if (deviceClass !== undefined && !SWITCH_CLASSES.includes(String(deviceClass))) wrong(`device class ${String(deviceClass)}`);
      break;
    case 'number': {
      numericClass(deviceClass, unit, wrong);
      const { min, max, step } = component as Record<string, number>;
      if (!(Number.isFinite(min) && Number.isFinite(max) && min! < max!)) wrong('min must be less than max');
      if (!(step! >= 0.001)) wrong('step');
      if (!['auto', 'box', 'slider'].includes(String(component.mode))) wrong('mode');
      break;
    }
    case 'select':
      if (!Array.isArray(options) || !options.every(isText) || new Set(options).size !== options.length) wrong('options');
      break;
    case 'text':
      if (!(Number(component.min) <= Number(component.max) && Number(component.max) <= 255)) wrong('min and max');
  }
  return faults;
}

function numericClass(deviceClass: unknown, unit: unknown, wrong: (message: string) => void): void {
  if (deviceClass === undefined) return;
  const units = NUMERIC_CLASSES[String(deviceClass)];
  if (units === undefined) wrong(`device class ${String(deviceClass)}`);
  else if (units !== null && !(units.length === 0 ? unit === undefined : units.includes((unit as string) ?? '')))
    wrong(`unit ${String(unit)} of ${String(deviceClass)}`);
}
