/**
 * The control packets of MQTT 3.1, 3.1.1 and 5.0 as plain objects: what src/mqtt/reader.ts yields and
 * src/mqtt/writer.ts takes. One shape for all versions; what a version does not know is absent (properties: null).
 */
export type QoS = 0 | 1 | 2;
/** The protocol level of CONNECT: 3 is MQTT 3.1, 4 is 3.1.1, 5 is 5.0. */
export type ProtocolVersion = 3 | 4 | 5;

/** MQTT 5 properties by name; each packet type allows its own subset (2.2.2.2). User properties keep their order. */
export interface Properties {
  payloadFormatIndicator?: 0 | 1;
  /** Seconds. */
  messageExpiryInterval?: number;
  contentType?: string;
  responseTopic?: string;
  correlationData?: Buffer;
  subscriptionIdentifiers?: number[];
  /** Seconds; 0xFFFFFFFF: never. */
  sessionExpiryInterval?: number;
  assignedClientIdentifier?: string;
  /** Seconds. */
  serverKeepAlive?: number;
  authenticationMethod?: string;
  authenticationData?: Buffer;
  requestProblemInformation?: boolean;
  /** Seconds. */
  willDelayInterval?: number;
  requestResponseInformation?: boolean;
  responseInformation?: string;
  serverReference?: string;
  reasonString?: string;
  receiveMaximum?: number;
  topicAliasMaximum?: number;
  topicAlias?: number;
  maximumQoS?: 0 | 1;
  retainAvailable?: boolean;
  userProperties?: [string, string][];
  /** Bytes. */
  maximumPacketSize?: number;
  wildcardSubscriptionAvailable?: boolean;
  subscriptionIdentifiersAvailable?: boolean;
  sharedSubscriptionAvailable?: boolean;
}

export interface Will {
  topic: string;
  payload: Buffer;
  qos: QoS;
  retain: boolean;
  properties: Properties | null;
}

export interface ConnectPacket {
  type: 'connect';
  version: ProtocolVersion;
  clean: boolean;
  /** Seconds; 0: off. */
  keepAlive: number;
  clientId: string;
  will: Will | null;
  username: string | null;
  password: Buffer | null;
  properties: Properties | null;
  /** Bit 7 of the protocol level: a bridge (Mosquitto's convention) that wants retain flags kept. */
  bridge: boolean;
}

export interface ConnackPacket {
  type: 'connack';
  sessionPresent: boolean;
  /** A 3.1.1 return code (0-5) or a v5 reason code, as the version of the connection has it. */
  reasonCode: number;
  properties: Properties | null;
}

export interface PublishPacket {
  type: 'publish';
  dup: boolean;
  qos: QoS;
  retain: boolean;
  topic: string;
  /** 0 at QoS 0. */
  packetId: number;
  properties: Properties | null;
  /** A view into the chunk that was read: copy it before keeping it longer than this turn. */
  payload: Buffer;
}

/** PUBACK, PUBREC, PUBREL and PUBCOMP. */
export interface AckPacket {
  type: 'puback' | 'pubrec' | 'pubrel' | 'pubcomp';
  packetId: number;
  /** 0 before v5. */
  reasonCode: number;
  properties: Properties | null;
}

export interface SubscriptionRequest {
  filter: string;
  qos: QoS;
  noLocal: boolean;
  retainAsPublished: boolean;
  retainHandling: 0 | 1 | 2;
}

export interface SubscribePacket {
  type: 'subscribe';
  packetId: number;
  properties: Properties | null;
  subscriptions: SubscriptionRequest[];
}

export interface SubackPacket {
  type: 'suback';
  packetId: number;
  properties: Properties | null;
  reasonCodes: number[];
}

export interface UnsubscribePacket {
  type: 'unsubscribe';
  packetId: number;
  properties: Properties | null;
  filters: string[];
}

export interface UnsubackPacket {
  type: 'unsuback';
  packetId: number;
  properties: Properties | null;
  /** One per filter; not sent before v5. */
  reasonCodes: number[];
}

export interface PingreqPacket {
  type: 'pingreq';
}

export interface PingrespPacket {
  type: 'pingresp';
}

export interface DisconnectPacket {
  type: 'disconnect';
  /** 0 before v5. */
  reasonCode: number;
  properties: Properties | null;
}

/** v5 only. */
export interface AuthPacket {
  type: 'auth';
  reasonCode: number;
  properties: Properties | null;
}

export type Packet =
  | ConnectPacket
  | ConnackPacket
  | PublishPacket
  | AckPacket
  | SubscribePacket
  | SubackPacket
  | UnsubscribePacket
  | UnsubackPacket
  | PingreqPacket
  | PingrespPacket
  | DisconnectPacket
  | AuthPacket;
