import type { ConnectPacket } from '../mqtt/packets.js';

/** What a client said in CONNECT that it can take. Before v5 a client can say nothing, and takes everything. */
export interface ClientCapabilities {
  /** QoS 1 and 2 messages that it takes unacknowledged. */
  receiveMaximum: number;
  /** Bytes of the largest packet that it takes. */
  maximumPacketSize: number;
  /** Topic aliases that we may use towards it. */
  topicAliasMaximum: number;
  /** It wants to read reason strings. */
  wantsProblemInformation: boolean;
}

const MAX_U16 = 65_535;

export const UNLIMITED_CLIENT: ClientCapabilities = {
  receiveMaximum: MAX_U16,
  maximumPacketSize: Number.MAX_SAFE_INTEGER,
  topicAliasMaximum: 0,
  wantsProblemInformation: false,
};

export function capabilitiesOf({ version, properties }: ConnectPacket): ClientCapabilities {
  if (version !== 5) return UNLIMITED_CLIENT;
  return {
    receiveMaximum: properties?.receiveMaximum ?? MAX_U16,
    maximumPacketSize: properties?.maximumPacketSize ?? Number.MAX_SAFE_INTEGER,
    topicAliasMaximum: properties?.topicAliasMaximum ?? 0,
    // [MQTT-3.1.2-29] Unless it says no.
    wantsProblemInformation: properties?.requestProblemInformation ?? true,
  };
}
