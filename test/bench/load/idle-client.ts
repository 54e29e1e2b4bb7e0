import { LoadSocket } from './socket.js';

/** Connects, subscribes where it is told to, and does nothing else. */
export class IdleClient extends LoadSocket {
  protected override frame(): void {}
}

/** Connections opened at the same time. */
const CONNECTING = 100;

/** Makes and connects so many clients, some at a time; each is in `into` from the moment it is made. */
export async function connectAll<Client extends LoadSocket>(into: Client[], count: number, make: (index: number) => Client): Promise<void> {
  for (let at = 0; at < count; at += CONNECTING) {
    const fresh = Array.from({ length: Math.min(CONNECTING, count - at) }, (_, i) => make(at + i));
    into.push(...fresh);
    await Promise.all(fresh.map((client) => client.connect()));
  }
}
