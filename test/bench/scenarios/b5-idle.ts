import { readFileSync } from 'node:fs';
import { connectAll, IdleClient } from '../load/idle-client.js';
import { parseOpenFiles } from '../proc.js';
import type { Figure, Scenario, ScenarioContext } from '../scenario.js';
import type { Transport } from '../transport.js';
import { compare, sleep, snapshot } from '../window.js';

/** Files that either side needs besides its connections. */
const OTHER_FILES = 200;
/** Seconds before memory is read: what only the start, or only connecting, needed is gone. */
const SETTLE_SECONDS = 2;

const EACH = 'memory of a connection';

export const scenarios: Scenario[] = [
  { id: 'B5.idle', title: '10 000 idle connections', run: (context) => idle(context, 'tcp', 10_000) },
  { id: 'B5.idle-tls', title: '2 000 idle connections over TLS', transport: 'tls', run: (context) => idle(context, 'tls', 2000) },
];

async function idle({ broker }: ScenarioContext, transport: Transport, count: number): Promise<Figure[]> {
  const figure = (name: string, unit: string, value: number | null) => ({ name, unit, better: 'lower' as const, value });
  const allowed = parseOpenFiles(readFileSync('/proc/self/limits', 'utf8'));
  if (allowed < count + OTHER_FILES) {
    return [{ ...figure(EACH, 'B', null), note: `${count} connections need more open files than the ${allowed} allowed here` }];
  }
  const port = transport === 'tcp' ? broker.port : broker.extra!.port;
  await sleep(SETTLE_SECONDS);
  const before = broker.memory;
  const clients: IdleClient[] = [];
  try {
    const started = snapshot(broker, () => 0);
    await connectAll(clients, count, (i) => new IdleClient({ port, transport, clientId: `idle-${i}` }));
    const { cpuPerCount, load } = compare(
      started,
      snapshot(broker, () => count),
    );
    await sleep(SETTLE_SECONDS);
    const lost = clients.filter(({ isOpen }) => !isOpen).length;
    const { memory } = broker;
    return [
      { ...figure(EACH, 'B', (memory - before) / count), load, ...(lost === 0 ? {} : { note: `${lost} connections did not stay` }) },
      { ...figure('CPU of connecting', 'µs', cpuPerCount), load },
      figure('memory with all of them', 'MB', memory / 1e6),
    ];
  } finally {
    for (const client of clients) client.close();
  }
}
