import type { BridgeConfig, Preset } from './schema.js';

/** What an upstream can do, as far as it cannot be trusted to say so itself. */
export interface Capabilities {
  version: 4 | 5;
  maxQos: 1 | 2;
  retain: boolean;
  /** Bytes of a whole packet; null: unlimited. A v5 upstream may announce less. */
  maxPacketSize: number | null;
  /** 3.1.1: it knows the bridge bit of CONNECT, keeps retain flags for us and does not send back what we published. */
  bridgeBit: boolean;
}

const MAX_AWS_PACKET = 128 * 1024;

const presets: Record<Preset, Capabilities> = {
  generic: { version: 5, maxQos: 2, retain: true, maxPacketSize: null, bridgeBit: false },
  mosquitto: { version: 5, maxQos: 2, retain: true, maxPacketSize: null, bridgeBit: true },
  emqx: { version: 5, maxQos: 2, retain: true, maxPacketSize: null, bridgeBit: true },
  hivemq: { version: 5, maxQos: 2, retain: true, maxPacketSize: null, bridgeBit: false },
  // RabbitMQ 3.x; it knows QoS 2 in no version.
  rabbitmq: { version: 4, maxQos: 1, retain: true, maxPacketSize: null, bridgeBit: false },
  nats: { version: 4, maxQos: 2, retain: true, maxPacketSize: null, bridgeBit: false },
  'aws-iot': { version: 5, maxQos: 1, retain: true, maxPacketSize: MAX_AWS_PACKET, bridgeBit: false },
  'azure-event-grid': { version: 5, maxQos: 1, retain: false, maxPacketSize: null, bridgeBit: false },
};

export function capabilitiesOf(config: Pick<BridgeConfig, 'preset' | 'version'>): Capabilities {
  const preset = presets[config.preset];
  return { ...preset, version: config.version ?? preset.version };
}
