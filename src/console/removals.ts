/** What the console needs to take devices and buses out of the configuration, declared from its own side like ports.ts. */
import type { Fault } from './field-tools.js';

/** Something else that names what is removed. */
export interface Reference {
  /** `modbus_server`: serves its tags; `modbus_proxy`: passes requests on to it; `access`: a rule of who may do what. */
  kind: 'modbus_server' | 'modbus_proxy' | 'rule' | 'bridge' | 'access';
  /** Of the server, rule or bridge; of an access rule, the user. */
  name: string;
  /** The tag, unit, topic or filter by which it is named. */
  by: string;
}

/** What removing would do. */
export interface RemovalPreview {
  /** Name of the file of the configuration. */
  file: string;
  /** Which of its lines go (with those that take their place), as they stand there now. */
  changes: { line: number; removed: string[]; added: string[] }[];
  /** Tags that the device has; null: it is only a bus, or has no tags of its own (raw bytes). */
  tags: number | null;
  /** Name of the device's tag list, which stays beside the configuration; null: it has none. */
  list: string | null;
  /** The bus of the device, or the one that is removed. */
  bus: {
    name: string;
    /** It goes, too. */
    isRemoved: boolean;
    /** Other devices on it. */
    devices: string[];
    /** Modbus servers that pass requests on to it. */
    proxies: string[];
  };
  /** The first of them, and how many there are. */
  references: { count: number; items: Reference[] };
  errorCount: number;
  /** Why it would be refused, the first of them. */
  errors: Fault[];
  warnings: Fault[];
}

export interface RemovalsPort {
  /** What `removeDevice` would do; nothing is changed. `withBus`: its bus goes, too. null: there is no such device. */
  previewDevice(name: string, withBus: boolean): Promise<RemovalPreview | null>;
  /** false: there is no such device. Rejects with a FerruleError where it is refused, and nothing has changed. */
  removeDevice(name: string, withBus: boolean): Promise<boolean>;
  previewBus(name: string): Promise<RemovalPreview | null>;
  removeBus(name: string): Promise<boolean>;
}
