import { groupOf, tagsOf } from '../inventory.js';
import type { DeviceConfig, PayloadFormat } from '../schema.js';
import type { Topics } from '../topics.js';
import { type Description, describeDevice } from './describe.js';
import { slug } from './names.js';
import { availabilityTemplate, STATE_AVAILABILITY, STATE_VALUE, STATES, TEXT_COMMAND, valueTemplate } from './templates.js';

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
export type Component = { platform: string; unique_id?: string } & Record<string, Json>;

/** A device discovery message of Home Assistant (2024.11 and later). */
export interface Announcement {
  device: { identifiers: string[]; name: string; model?: string };
  origin: { name: string; sw_version?: string };
  components: Record<string, Component>;
  qos: number;
}

export interface Announcer {
  /** Id of this gateway. */
  gateway: string;
  version: string | null;
  prefix: string;
  topics: Topics;
  payload: PayloadFormat;
}

/** A device with its tags. Ids depend on the names of gateway, device and tag alone: history and names over there stay. */
export function announce(device: DeviceConfig, by: Announcer): Announcement {
  const id = `ferrule/${by.gateway}/${device.name}`;
  const stateTopic = by.topics.state(device.name);
  const components: Record<string, Component> = { state: stateComponent(id, stateTopic) };
  const groups = new Map(tagsOf(device).map((tag) => [tag.name, groupOf(device, tag)]));
  for (const tag of describeDevice(device)) {
    const platform = platformOf(tag);
    const topic = by.topics.value(device.name, by.payload === 'device' ? (groups.get(tag.name) ?? tag.name) : tag.name);
    // The platform is part of the key: an entity that becomes another kind is removed and made anew.
    components[`${platform}-${slug(tag.name)}`] = {
      platform,
      unique_id: `${id}/${tag.name}`,
      name: tag.name.replaceAll('_', ' '),
      state_topic: topic,
      value_template: valueTemplate(by.payload, tag),
      availability_mode: 'all',
      availability: [
        { topic: stateTopic, value_template: STATE_AVAILABILITY },
        { topic, value_template: availabilityTemplate(by.payload, tag.name) },
      ],
      ...(tag.writable ? { command_topic: by.topics.set(device.name, tag.name) } : {}),
      ...detailsOf(tag),
    };
  }
  const model = 'profile' in device ? device.profile : undefined;
  return {
    device: { identifiers: [id], name: device.name, ...(model === undefined ? {} : { model }) },
    origin: { name: 'Ferrule', ...(by.version === null ? {} : { sw_version: by.version }) },
    components,
    qos: 1,
  };
}

function stateComponent(id: string, topic: string): Component {
  return {
    platform: 'sensor',
    unique_id: `${id}/$state`,
    name: 'State',
    entity_category: 'diagnostic',
    device_class: 'enum',
    options: [...STATES],
    state_topic: topic,
    value_template: STATE_VALUE,
    json_attributes_topic: topic,
  };
}

function platformOf(tag: Description): string {
  switch (tag.kind) {
    case 'bool':
      return tag.writable ? 'switch' : 'binary_sensor';
    case 'enum':
      return tag.writable ? 'select' : 'sensor';
    case 'text':
      return tag.writable ? 'text' : 'sensor';
    case 'number':
      return tag.writable ? 'number' : 'sensor';
  }
}

function detailsOf(tag: Description): Record<string, Json> {
  const deviceClass = tag.deviceClass === null ? {} : { device_class: tag.deviceClass };
  // Where values come at least so often, silence for three times as long is told by Home Assistant itself.
  const expiry = tag.writable || tag.maxIntervalMs === null ? {} : { expire_after: Math.max(1, Math.ceil((3 * tag.maxIntervalMs) / 1000)) };
  switch (tag.kind) {
    case 'bool':
      if (!tag.writable) return { ...deviceClass, ...expiry };
      return { ...deviceClass, payload_on: 'true', payload_off: 'false', state_on: 'ON', state_off: 'OFF' };
    case 'enum':
      return tag.writable
        ? { options: tag.options, command_template: TEXT_COMMAND }
        : { device_class: 'enum', options: tag.options, ...expiry };
    case 'text':
      return tag.writable ? { min: 0, max: tag.maxLength, command_template: TEXT_COMMAND } : expiry;
    case 'number': {
      const unit = tag.unit === null ? {} : { unit_of_measurement: tag.unit };
      if (tag.limits !== null) return { ...deviceClass, ...unit, ...tag.limits, mode: 'box' };
      return {
        ...deviceClass,
        ...unit,
        ...(tag.stateClass === null ? {} : { state_class: tag.stateClass }),
        ...(tag.decimals === null ? {} : { suggested_display_precision: tag.decimals }),
        ...expiry,
      };
    }
  }
}
