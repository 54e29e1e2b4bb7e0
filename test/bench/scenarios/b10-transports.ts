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
  const { rate, cpuPerCount, load } = variant.measured;
  // A ratio of two measurements is disturbed where either is.
  const loadOfBoth = { ...load, others: Math.max(load.others, plain.measured.load.others) };
  return [
    { name: 'messages', unit: '/s', better: 'higher', value: rate, load, ...variant.note },
    { name: 'CPU per message', unit: 'µs', better: 'lower', value: cpuPerCount, load },
    {
      name: 'messages, as a share of plain TCP',
      unit: '%',
      better: 'higher',
      value: percent(rate, plain.measured.rate),
      load: loadOfBoth,
    },
    {
      name: 'CPU per message, against plain TCP',
      unit: '%',
      better: 'lower',
      value: percent(cpuPerCount, plain.measured.cpuPerCount),
      load: loadOfBoth,
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
