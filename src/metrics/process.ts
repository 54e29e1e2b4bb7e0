import type { Registry } from 'prom-client';
import type { EventLoopProbe } from './event-loop.js';
import type { MetricsPorts } from './ports.js';
import { counter, gauge, plain } from './series.js';

export function registerProcess(registry: Registry, gateway: MetricsPorts['gateway'], eventLoop: EventLoopProbe): void {
  gauge(registry, 'ferrule_info', 'The version that runs; always 1.', ['version', 'node'], () => [[[gateway.version, process.version], 1]]);
  gauge(registry, 'ferrule_start_time_seconds', 'When the gateway was started, Unix time.', [], () => plain(gateway.startedAt / 1000));
  gauge(registry, 'ferrule_part_up', 'Whether a part of the gateway runs (1), runs degraded (0.5) or does not (0).', ['part'], () =>
    gateway.parts().map(({ name, state }) => [[name], state === 'running' ? 1 : state === 'degraded' ? 0.5 : 0]),
  );
  gauge(registry, 'ferrule_process_resident_bytes', 'Memory of the process.', [], () => plain(process.memoryUsage.rss()));
  gauge(registry, 'ferrule_process_heap_bytes', 'Used JavaScript heap of the main thread.', [], () =>
    plain(process.memoryUsage().heapUsed),
  );
  counter(registry, 'ferrule_process_cpu_seconds_total', 'CPU time of the process.', ['mode'], () => {
    const { user, system } = process.cpuUsage();
    return [
      [['user'], user / 1e6],
      [['system'], system / 1e6],
    ];
  });
  gauge(registry, 'ferrule_event_loop_delay_p99_seconds', 'How long the event loop was held up, p99 of the last 10 s.', [], () => {
    const ms = eventLoop.p99();
    return plain(ms === null ? null : ms / 1000);
  });
}
