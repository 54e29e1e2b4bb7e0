/** What the console needs to add devices, declared from its own side like ports.ts. Plain data. */
import type { Area, Fault } from './field-tools.js';

/** Where no bus of the gateway is yet. */
export type Elsewhere =
  | { kind: 'host'; host: string; port: number; framing: 'tcp' | 'rtu' | 'ascii' }
  | {
      kind: 'line';
      port: string;
      framing: 'rtu' | 'ascii';
      baud: number;
      data_bits: 7 | 8;
      parity: 'none' | 'even' | 'odd';
      stop_bits: 1 | 1.5 | 2;
    };

/** Where a unit is that is asked what it is. */
export type UnitWhere = { kind: 'bus'; bus: string } | Elsewhere;

export interface ProfileSummary {
  name: string;
  vendor: string;
  model: string;
  /** `energy_meter`, `drive`, `io`, `temperature_controller`, `inverter`, `sensor`, `other`. */
  kind: string;
  description: string | null;
  /** Units of its tags, each once. */
  units: string[];
  tags: number;
  writable: number;
  /** It came with the program. */
  shipped: boolean;
  /** How the device is connected as it is delivered; null: not said. */
  serial: { baud: number; parity: string; stop_bits: number } | null;
  tcpPort: number | null;
  /** Unit id as it is delivered; null: not said. */
  unit: number | null;
}

export interface ProfileDetails extends ProfileSummary {
  sources: { title: string; url?: string; section?: string; note?: string }[];
  tagList: {
    name: string;
    area: Area | null;
    address: number | string;
    type: string | null;
    unit: string | null;
    description: string | null;
    writable: boolean;
  }[];
}

/** What is in the folders of profiles. */
export interface ProfileList {
  profiles: ProfileSummary[];
  /** Files that are no valid profiles. */
  broken: { name: string; error: Fault }[];
}

export interface Identified {
  /** By the name of the object: vendor, product code, revision, ...; null: it does not say. */
  identification: Record<string, string> | null;
  /** Names of those profiles that fit; few say how their model is recognised. */
  profiles: string[];
}

/** A tag list as a person gives it. */
export interface GivenList {
  /** The list, or the text of another program's. */
  csv: string;
  /** What it is; null: a tag list. */
  from: ListOrigin | null;
}

/** What another program's list is, and which of its tags are meant. */
export interface ListOrigin {
  format: 'neuron' | 'telegraf';
  /** Only tags of this unit, of this node (Neuron) or plugin (Telegraf); null: it has only one. */
  unit: number | null;
  node: string | null;
  /** Groups and measurements: left out, put before the names, or made scan classes. */
  groups: 'ignore' | 'prefix' | 'scan';
  /** Start address of a Neuron node: 1, or 0. */
  start: 0 | 1;
}

/** What is in another program's list. */
export interface ImportFacts {
  /** Tags that were chosen. */
  tags: number;
  /** Of the chosen node. */
  units: number[];
  nodes: string[];
  /** What is not in it and should be known. */
  notes: string[];
}

export interface NewDevice {
  name: string;
  bus: string;
  /** The bus does not exist yet; null: it does. */
  newBus: Elsewhere | null;
  unit: number;
  tags:
    | { kind: 'profile'; profile: string; only: string[] | null }
    /** As the configuration has tags. `scan`: periods by scan class. */
    | { kind: 'tags'; tags: Record<string, unknown>[]; scan: Record<string, string> | null }
    | ({ kind: 'list' } & GivenList);
}

/** Where a serial instrument is, where no bus of the gateway is yet. */
export type InstrumentPlace =
  | {
      kind: 'line';
      port: string;
      baud: number;
      data_bits: 5 | 6 | 7 | 8;
      parity: 'none' | 'even' | 'odd';
      stop_bits: 1 | 1.5 | 2;
    }
  /** A serial server. */
  | { kind: 'host'; host: string; port: number };

export interface NewInstrument {
  name: string;
  bus: string;
  /** The bus does not exist yet; null: it does. */
  newBus: InstrumentPlace | null;
  /** YAML: what the configuration has of it besides name and bus (request, frame, checksum, decode, ...). */
  settings: string;
}

export interface NewDevicePreview {
  /** Name of the file of the configuration, and which of its lines become which. */
  file: string;
  line: number;
  removed: string[];
  added: string[];
  /** Name of the tag list that is made beside it; null: none. */
  list: string | null;
  /** Tags of the device; null: there are errors. */
  tags: number | null;
  errorCount: number;
  errors: Fault[];
  warnings: Fault[];
  /** Of another program's list; null: it was none. */
  imported: ImportFacts | null;
}

export interface DeviceSetupPort {
  profiles(): Promise<ProfileList>;
  /** null: there is none of this name. Rejects where it is not valid. */
  profile(name: string): Promise<ProfileDetails | null>;
  /** Rejects with a FerruleError where the unit does not answer. */
  identify(where: UnitWhere, unit: number): Promise<Identified>;
  /** What `add` would do; nothing is changed. */
  preview(device: NewDevice): Promise<NewDevicePreview>;
  /** Resolves with the number of its tags. Rejects with a FerruleError, and nothing has changed. */
  add(device: NewDevice): Promise<number>;
  previewInstrument(instrument: NewInstrument): Promise<NewDevicePreview>;
  addInstrument(instrument: NewInstrument): Promise<number>;
}
