import { access, constants, readdir, readFile, readlink, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type PortUser, portUsers } from './port-users.js';

export interface UsbInfo {
  /** Four hexadecimal digits. */
  vendorId: string;
  productId: string;
  /** null: the adapter has none, as many cheap ones. */
  serial: string | null;
  manufacturer: string | null;
  product: string | null;
  /** Which interface of an adapter with several ports; null: unknown. */
  interface: number | null;
}

/** A serial port of this machine. */
export interface SerialPortInfo {
  /** Device file of now: `/dev/ttyUSB0`. */
  path: string;
  /** What to write as `port` of a bus: the name that stays, when others are plugged in too. */
  name: string;
  /** Links under /dev/serial/by-id and by-path. */
  byId: string[];
  byPath: string[];
  usb: UsbInfo | null;
  /** Driver of the kernel: `ftdi_sio`, `imx-uart`. */
  driver: string | null;
  /** The kernel prints its messages there. */
  isConsole: boolean;
  /** Whether this process may open it. */
  isAllowed: boolean;
  /** Programs that have it open, as far as this user may see. */
  users: PortUser[];
}

/**
 * The serial ports of this machine, by name. Reads /sys and /dev only: it needs no udev and starts no program. `root` is
 * where these are, for tests.
 */
export async function listSerialPorts(root = '/'): Promise<SerialPortInfo[]> {
  const base = await realpath(root);
  const [names, ids, paths, consoles] = await Promise.all([
    entries(join(base, 'sys/class/tty')),
    links(base, '/dev/serial/by-id'),
    links(base, '/dev/serial/by-path'),
    text(join(base, 'sys/class/tty/console/active')),
  ]);
  const users = await portUsers(base);
  const ports = await Promise.all(
    names.map(async (name): Promise<SerialPortInfo | null> => {
      const device = await deviceOf(base, name);
      const path = `/dev/${name}`;
      if (device === null || !(await exists(join(base, path)))) return null;
      const byId = ids.filter((link) => link.target === path).map((link) => link.path);
      const byPath = paths.filter((link) => link.target === path).map((link) => link.path);
      const usb = await usbOf(base, device);
      return {
        path,
        name: stableName(path, byId, byPath, usb),
        byId,
        byPath,
        usb,
        driver: await nameOf(join(device, 'driver')),
        isConsole: (consoles ?? '').split(/\s+/).includes(name),
        isAllowed: await isAllowed(join(base, path)),
        users: users.get(path) ?? [],
      };
    }),
  );
  return ports.filter((port) => port !== null).sort((a, b) => a.path.localeCompare(b.path, 'en', { numeric: true }));
}

/** Without a serial number two adapters of one kind have the same by-id name, which then is of whichever came last. */
function stableName(path: string, byId: readonly string[], byPath: readonly string[], usb: UsbInfo | null): string {
  const [id] = byId;
  // udev gives the place twice where the kernel changed its form ("-usb-" and "-usbv2-"): the plain one is understood everywhere.
  const place = [...byPath].sort((a, b) => a.length - b.length)[0];
  if (usb === null || usb.serial !== null) return id ?? place ?? path;
  return place ?? id ?? path;
}

/** The folder in /sys of what a terminal stands for; null: it is none that is there (consoles, empty slots of the 8250). */
async function deviceOf(base: string, name: string): Promise<string | null> {
  const folder = join(base, 'sys/class/tty', name);
  // 0 is PORT_UNKNOWN: the driver made the name, and found nothing there.
  if ((await text(join(folder, 'type'))) === '0') return null;
  return realpath(join(folder, 'device')).catch(() => null);
}

async function usbOf(base: string, device: string): Promise<UsbInfo | null> {
  let port: number | null = null;
  for (let folder = device; folder.length > base.length && folder !== dirname(folder); folder = dirname(folder)) {
    const number = await text(join(folder, 'bInterfaceNumber'));
    if (number !== null && port === null) port = Number.parseInt(number, 16);
    const [vendorId, productId] = await Promise.all([text(join(folder, 'idVendor')), text(join(folder, 'idProduct'))]);
    if (vendorId === null || productId === null) continue;
    const [serial, manufacturer, product] = await Promise.all(
      ['serial', 'manufacturer', 'product'].map(async (key) => (await text(join(folder, key))) || null),
    );
    return {
      vendorId,
      productId,
      serial: serial ?? null,
      manufacturer: manufacturer ?? null,
      product: product ?? null,
      interface: port !== null && Number.isFinite(port) ? port : null,
    };
  }
  return null;
}

async function links(base: string, folder: string): Promise<{ path: string; target: string }[]> {
  const found = await Promise.all(
    (await entries(join(base, folder))).map(async (name) => {
      const target = await realpath(join(base, folder, name)).catch(() => null);
      return target === null ? null : { path: `${folder}/${name}`, target: withoutRoot(base, target) };
    }),
  );
  return found.filter((link) => link !== null);
}

function withoutRoot(base: string, path: string): string {
  return base === '/' ? path : path.slice(base.length);
}

async function entries(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(() => [])).sort();
}

async function text(file: string): Promise<string | null> {
  return (await readFile(file, 'utf8').catch(() => null))?.trim() ?? null;
}

async function nameOf(link: string): Promise<string | null> {
  const target = await readlink(link).catch(() => null);
  return target === null ? null : basename(target);
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function isAllowed(path: string): Promise<boolean> {
  return access(path, constants.R_OK | constants.W_OK).then(
    () => true,
    () => false,
  );
}
