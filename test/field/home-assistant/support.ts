import { type Announcement, announce } from '../../../src/field/home-assistant/announcement.js';
import { announcementTopic } from '../../../src/field/home-assistant/names.js';
import type { PayloadFormat } from '../../../src/field/schema.js';
import { Topics } from '../../../src/field/topics.js';
import { fieldConfig } from '../support.js';

export type Entity = Record<string, unknown> & { platform: string; unique_id: string };

/** The announcement of a Modbus device with these tags. */
export async function announced(tags: Record<string, unknown>[], payload: PayloadFormat = 'json', name = 'meter'): Promise<Announced> {
  const config = await fieldConfig({
    buses: [{ name: 'b', type: 'modbus_tcp', host: 'h' }],
    devices: [
      { name, bus: 'b', scan: { fast: '1s' }, tags: tags.map((tag, at) => ({ name: `t${at}`, area: 'holding', address: at, ...tag })) },
    ],
  });
  const by = { gateway: 'gw1', version: '1.2.3', prefix: 'homeassistant', topics: new Topics(config.topics), payload };
  const announcement = announce(config.devices[0]!, by);
  return { announcement, topic: announcementTopic(by, name), entities: Object.values(announcement.components) as Entity[] };
}

export interface Announced {
  announcement: Announcement;
  topic: string;
  entities: Entity[];
}

/** The entity of the only tag. */
export async function entityOf(tag: Record<string, unknown>, payload: PayloadFormat = 'json'): Promise<Entity> {
  const { entities } = await announced([tag], payload);
  return entities.find(({ unique_id }) => !unique_id.endsWith('$state'))!;
}
