/** The shapes of the API, taken from the gateway's own schemas: nothing of them is in the built console. */
import type { Static } from 'typebox';
import type * as Schemas from '../../../src/console/api-schemas.js';
import type * as ServerSchemas from '../../../src/console/modbus-server-schemas.js';

export type ModbusServer = Static<typeof ServerSchemas.ModbusServer>;
export type ModbusProxy = Static<typeof ServerSchemas.ModbusProxy>;
export type Overview = Static<typeof Schemas.Overview>;
export type Part = Static<typeof Schemas.Part>;
export type Notice = Static<typeof Schemas.Notice>;
export type Storage = Static<typeof Schemas.Storage>;
export type BridgeSummary = Static<typeof Schemas.BridgeSummary>;
export type DeviceSummary = Static<typeof Schemas.DeviceSummary>;
export type Topic = Static<typeof Schemas.Topic>;
export type Session = Static<typeof Schemas.Session>;
export type Ban = Static<typeof Schemas.Ban>;
export type Bus = Static<typeof Schemas.Bus>;
export type {
  Elsewhere,
  Identified,
  ImportFacts,
  InstrumentPlace,
  NewDevicePreview,
  ProfileDetails,
  ProfileList,
  ProfileSummary,
  UnitWhere,
} from '../../../src/console/device-setup.js';
export type {
  Area,
  Explored,
  ExploredPlace,
  Fault,
  LineSettings,
  MonitorFrame,
  ReadPlan,
  ScanRequest,
  ScanStatus,
  ScanWhere,
  SerialPortInfo,
  SunSpecFound,
  UnitStatistics,
} from '../../../src/console/field-tools.js';
export type {
  BridgeStatus,
  ClientDetails,
  ClientStatus,
  DeviceStatus,
  LedgerStatus,
  Quality,
  RuleStatus,
  TagJson,
  TagListPreview,
  TagStatus,
  TrendPoint,
} from '../../../src/console/ports.js';
export type { Reference, RemovalPreview } from '../../../src/console/removals.js';

/** `GET /setup`. */
export interface Setup {
  claimed: boolean;
  gateway: { id: string; name: string; version: string; demo: boolean };
  minPasswordLength: number;
}

export interface MqttUser {
  name: string;
  createdAt: number;
}

/** One packet of `GET /trace`, or the end of a connection (`closed`); docs/api.md has the words. What a packet does not have is missing. */
export interface TracedPacket {
  at: number;
  direction: 'in' | 'out';
  client: string;
  type: string;
  packetId?: number;
  qos?: number;
  retain?: boolean;
  dup?: boolean;
  topic?: string;
  size?: number;
  payload?: string;
  payloadFormat?: 'text' | 'hex';
  reasonCode?: number;
  reasonCodes?: number[];
  filters?: string[];
  properties?: string[];
  detail?: string;
}
