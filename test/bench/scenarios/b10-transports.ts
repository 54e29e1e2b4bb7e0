import { FanIn, PUBLISHERS } from '../load/fan-in.js';
import type { Figure, Scenario, ScenarioContext } from '../scenario.js';
import type { Transport } from '../transport.js';
import { type Measured, measure } from '../window.js';

const NAMES = { tls: 'TLS', ws: 'WebSocket', wss: 'secure WebSocket' } as const;

export const scenarios: Scenario[] = (['tls', 'ws', 'wss'] as const).map((transport) => ({
  id: `B10.${transport}`,
  title: `B1 over ${NAMES[transport]}, ${PUBLISHERS} publishers to 1 subscriber, QoS 0, 64 B`,
  transport,
  run: overTransport,
}));

async function overTransport(context: ScenarioContext): Promise<Figure[]> {
  const { port, transport } = context.broker.extra!;
  const plain = await fanIn(context, context.broker.port, 'tcp');
  const variant = await fanIn(context, port, transport);
  const { load } = variant.measured;
  return [
    { name: 'messages', unit: '/s', better: 'higher', value: variant.measured.rate, load, ...variant.note },
    { name: 'CPU per message', unit: 'µs', better: 'lower', value: variant.measured.cpuPerCount, load },
    { name: 'messages, as a share of plain TCP', unit: '%', better: 'higher', value: percent(variant.measured.rate, plain.measured.rate) },
    {
      name: 'CPU per message, against plain TCP',
      unit: '%',
      better: 'lower',
      value: percent(variant.measured.cpuPerCount, plain.measured.cpuPerCount),
      load: plain.measured.load,
    },
  ];
}

function percent(value: number, of: number): number {
  return (value / of) * 100;
}

async function fanIn(
  { broker, seconds }: ScenarioContext,
  port: number,
  transport: Transport,
): Promise<{ measured: Measured; note: { note?: string } }> {
  const load = new FanIn(port, transport);
  const { pump, received } = load;
  try {
    await load.connect();
    pump.start();
    const measured = await measure(broker, seconds, () => received.count);
    pump.stop();
    await pump.settle();
    return { measured, note: pump.note() };
  } finally {
    load.close();
  }
}
