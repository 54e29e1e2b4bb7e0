import type { ProtocolVersion } from './packets.js';

/** The reason codes of MQTT 5.0 (2.4). Where one value has several names, the one of the more general packet is here. */
export const ReasonCode = {
  /** Also "normal disconnection" and "granted QoS 0". */
  Success: 0x00,
  GrantedQoS1: 0x01,
  GrantedQoS2: 0x02,
  DisconnectWithWill: 0x04,
  NoMatchingSubscribers: 0x10,
  NoSubscriptionExisted: 0x11,
  ContinueAuthentication: 0x18,
  ReAuthenticate: 0x19,
  UnspecifiedError: 0x80,
  MalformedPacket: 0x81,
  ProtocolError: 0x82,
  ImplementationSpecificError: 0x83,
  UnsupportedProtocolVersion: 0x84,
  ClientIdentifierNotValid: 0x85,
  BadUserNameOrPassword: 0x86,
  NotAuthorized: 0x87,
  ServerUnavailable: 0x88,
  ServerBusy: 0x89,
  Banned: 0x8a,
  ServerShuttingDown: 0x8b,
  BadAuthenticationMethod: 0x8c,
  KeepAliveTimeout: 0x8d,
  SessionTakenOver: 0x8e,
  TopicFilterInvalid: 0x8f,
  TopicNameInvalid: 0x90,
  PacketIdentifierInUse: 0x91,
  PacketIdentifierNotFound: 0x92,
  ReceiveMaximumExceeded: 0x93,
  TopicAliasInvalid: 0x94,
  PacketTooLarge: 0x95,
  MessageRateTooHigh: 0x96,
  QuotaExceeded: 0x97,
  AdministrativeAction: 0x98,
  PayloadFormatInvalid: 0x99,
  RetainNotSupported: 0x9a,
  QoSNotSupported: 0x9b,
  UseAnotherServer: 0x9c,
  ServerMoved: 0x9d,
  SharedSubscriptionsNotSupported: 0x9e,
  ConnectionRateExceeded: 0x9f,
  MaximumConnectTime: 0xa0,
  SubscriptionIdentifiersNotSupported: 0xa1,
  WildcardSubscriptionsNotSupported: 0xa2,
} as const;

export type ReasonCode = (typeof ReasonCode)[keyof typeof ReasonCode];

const names = new Map<number, string>(Object.entries(ReasonCode).map(([key, code]) => [code, spelled(key)]));

/** `NotAuthorized` -> `not authorized`; abbreviations keep their capitals. */
function spelled(key: string): string {
  return key
    .replace('QoS', 'Qos')
    .replace(/([a-z])([A-Z0-9])/g, '$1 $2')
    .toLowerCase()
    .replace('qos', 'QoS');
}

/** What a v5 reason code is called, e.g. `not authorized`; an unknown one gives its hexadecimal value. */
export function reasonName(code: number): string {
  return names.get(code) ?? `reason 0x${code.toString(16).padStart(2, '0')}`;
}

/** The return codes of CONNACK in MQTT 3.1 and 3.1.1 (3.2.2.3). */
export const ConnackCode = {
  Accepted: 0,
  UnacceptableProtocolVersion: 1,
  IdentifierRejected: 2,
  ServerUnavailable: 3,
  BadUserNameOrPassword: 4,
  NotAuthorized: 5,
} as const;

/** The CONNACK code that says `reason` (a v5 reason code) in the words of `version`. */
export function connackCode(reason: number, version: ProtocolVersion): number {
  if (version === 5 || reason < ReasonCode.UnspecifiedError) return reason;
  switch (reason) {
    case ReasonCode.UnsupportedProtocolVersion:
      return ConnackCode.UnacceptableProtocolVersion;
    case ReasonCode.ClientIdentifierNotValid:
      return ConnackCode.IdentifierRejected;
    case ReasonCode.BadUserNameOrPassword:
      return ConnackCode.BadUserNameOrPassword;
    case ReasonCode.NotAuthorized:
    case ReasonCode.Banned:
    case ReasonCode.BadAuthenticationMethod:
    case ReasonCode.TopicNameInvalid:
      return ConnackCode.NotAuthorized;
    default:
      return ConnackCode.ServerUnavailable;
  }
}
