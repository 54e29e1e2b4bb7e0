/** The requests of the console, one function each. All throw ApiError. */

import type { GivenList } from '../state/given-list.js';
import type { GivenInstrument } from '../state/instrument-entry.js';
import { request } from './client.js';
import type {
  Area,
  Ban,
  ClientDetails,
  Elsewhere,
  Explored,
  Identified,
  ModbusProxy,
  ModbusServer,
  MqttUser,
  NewDevicePreview,
  ProfileDetails,
  ProfileList,
  ReadPlan,
  RemovalPreview,
  ScanStatus,
  ScanWhere,
  SerialPortInfo,
  Session,
  Setup,
  SunSpecFound,
  TagJson,
  TagListPreview,
  Topic,
  TrendPoint,
  UnitStatistics,
  UnitWhere,
} from './types.js';

const part = encodeURIComponent;

export const getSetup = () => request<Setup>('GET', '/setup');
export const claim = (code: string, username: string, password: string) =>
  request<Session>('POST', '/setup/claim', { code, username, password });
export const getSession = () => request<Session>('GET', '/session');
export const logIn = (username: string, password: string) => request<Session>('POST', '/session', { username, password });
export const logOut = () => request<null>('DELETE', '/session');

export async function getTrend(device: string, tag: string, from: number, to: number, points: number): Promise<TrendPoint[]> {
  const query = `from=${Math.round(from)}&to=${Math.round(to)}&points=${points}`;
  return (await request<{ points: TrendPoint[] }>('GET', `/devices/${part(device)}/tags/${part(tag)}/trend?${query}`)).points;
}

export const writeTag = (device: string, tag: string, value: TagJson) =>
  request<{ value: TagJson }>('PUT', `/devices/${part(device)}/tags/${part(tag)}`, { value });

export const getTagList = (device: string) => request<{ file: string | null; csv: string }>('GET', `/devices/${part(device)}/tag-list`);
export const previewTagList = (device: string, list: GivenList) =>
  request<TagListPreview>('POST', `/devices/${part(device)}/tag-list/preview`, list);
export const putTagList = (device: string, list: GivenList) => request<{ tags: number }>('PUT', `/devices/${part(device)}/tag-list`, list);

/** A device as the API takes it: what is not said is left out. */
export interface DeviceToAdd {
  name: string;
  bus: string;
  newBus?: Elsewhere;
  unit: number;
  tags:
    | { kind: 'profile'; profile: string }
    | { kind: 'tags'; tags: SunSpecFound['tags'][number]['tag'][]; scan: Record<string, string> }
    | ({ kind: 'list' } & GivenList);
}

export const getProfiles = () => request<ProfileList>('GET', '/profiles');
export const getProfile = (name: string) => request<ProfileDetails>('GET', `/profiles/${part(name)}`);
export const identifyUnit = (where: UnitWhere, unit: number) => request<Identified>('POST', '/identify', { where, unit });
export const findSunSpec = (where: UnitWhere, unit: number) => request<SunSpecFound>('POST', '/sunspec', { where, unit });
export const previewDevice = (device: DeviceToAdd) => request<NewDevicePreview>('POST', '/devices/preview', device);
export const addDevice = (device: DeviceToAdd) => request<{ name: string; tags: number }>('POST', '/devices', device);

export const previewInstrument = (instrument: GivenInstrument) => request<NewDevicePreview>('POST', '/instruments/preview', instrument);
export const addInstrument = (instrument: GivenInstrument) => request<{ name: string; tags: number }>('POST', '/instruments', instrument);

/** What can be taken out of the configuration. */
export interface Removable {
  kind: 'device' | 'bus';
  name: string;
}

const removable = ({ kind, name }: Removable) => `/${kind === 'device' ? 'devices' : 'buses'}/${part(name)}`;
const alsoBus = ({ kind }: Removable, withBus: boolean) => (kind === 'device' && withBus ? '?bus=true' : '');
export const previewRemoval = (what: Removable, withBus: boolean) =>
  request<RemovalPreview>('GET', `${removable(what)}/removal${alsoBus(what, withBus)}`);
export const remove = (what: Removable, withBus: boolean) => request<null>('DELETE', `${removable(what)}${alsoBus(what, withBus)}`);

export const getUnits = async (bus: string) => (await request<{ units: UnitStatistics[] }>('GET', `/buses/${part(bus)}/units`)).units;
export const getPlan = async (device: string) => (await request<{ scans: ReadPlan[] }>('GET', `/devices/${part(device)}/plan`)).scans;
export const readRegisters = (bus: string, unit: number, area: Area, address: number, count: number) =>
  request<Explored>('GET', `/buses/${part(bus)}/registers?unit=${unit}&area=${area}&address=${address}&count=${count}`);
export const sendBytes = (bus: string, hex: string) => request<null>('POST', `/buses/${part(bus)}/send`, { hex });

export interface NewScan {
  /** As the API takes it: what is not said is left out. */
  where:
    | Exclude<ScanWhere, { kind: 'bus' }>
    | { kind: 'bus'; bus: string; suspend?: boolean; line?: Extract<ScanWhere, { kind: 'line' }>['line'] };
  units: number[];
  isExhaustive: boolean;
}

export const getSerialPorts = async () => (await request<{ ports: SerialPortInfo[] }>('GET', '/serial-ports')).ports;
export const getScans = async () => (await request<{ scans: ScanStatus[] }>('GET', '/scans')).scans;
export const startScan = (scan: NewScan) => request<ScanStatus>('POST', '/scans', scan);
export const cancelScan = (id: string) => request<null>('DELETE', `/scans/${part(id)}`);

/** One topic with more of its payload than the stream has; null: it is gone. */
export async function getTopic(topic: string): Promise<Topic | null> {
  const { topics } = await request<{ topics: Topic[] }>('GET', `/topics?filter=${part(topic)}&limit=1`);
  return topics[0] ?? null;
}

export interface Publication {
  topic: string;
  payload: string;
  qos: 0 | 1 | 2;
  retain: boolean;
}

export const publish = (publication: Publication) => request<null>('POST', '/topics/publish', publication);

export const getModbusServers = () => request<{ servers: ModbusServer[]; proxies: ModbusProxy[] }>('GET', '/modbus-servers');

export const getClient = (clientId: string) => request<ClientDetails>('GET', `/clients/${part(clientId)}`);
export const disconnectClient = (clientId: string) => request<null>('DELETE', `/clients/${part(clientId)}`);
export const discardSession = (clientId: string) => request<null>('DELETE', `/sessions/${part(clientId)}`);

export interface NewBan {
  kind: 'client' | 'user' | 'address';
  value: string;
  reason: string;
  /** Missing: until it is lifted. */
  seconds?: number;
}

export const getBans = async () => (await request<{ bans: Ban[] }>('GET', '/bans')).bans;
export const addBan = (ban: NewBan) => request<Ban>('POST', '/bans', ban);
export interface Redirect {
  server: string;
  permanent: boolean;
  allow: string[];
}

export const getRedirect = () => request<{ redirect: (Redirect & { source: 'configuration' | 'api' }) | null }>('GET', '/redirect');
export const setRedirect = (redirect: Redirect) => request<null>('PUT', '/redirect', redirect);
export const endRedirect = () => request<null>('DELETE', '/redirect');
export const liftBan = (id: string) => request<null>('DELETE', `/bans/${part(id)}`);

export const pauseBridge = (name: string) => request<null>('POST', `/bridges/${part(name)}/pause`);
export const resumeBridge = (name: string) => request<null>('POST', `/bridges/${part(name)}/resume`);

export const getMqttUsers = async () => (await request<{ users: MqttUser[] }>('GET', '/mqtt-users')).users;
export const putMqttUser = (name: string, password: string) => request<null>('PUT', `/mqtt-users/${part(name)}`, { password });
export const deleteMqttUser = (name: string) => request<null>('DELETE', `/mqtt-users/${part(name)}`);
