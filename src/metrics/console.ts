import type { Registry } from 'prom-client';
import type { MetricsPorts } from './ports.js';
import { counter, gauge, plain } from './series.js';

export function registerConsole(registry: Registry, console: MetricsPorts['console']): void {
  gauge(registry, 'ferrule_console_streams', 'Live streams that browsers have open.', [], () => plain(console.status().streams));
  counter(registry, 'ferrule_console_streams_cut_off_total', 'Live streams cut off because the browser did not read.', [], () =>
    plain(console.status().streamsCutOff),
  );
  counter(registry, 'ferrule_console_streams_refused_total', 'Live streams refused because of a limit.', [], () =>
    plain(console.status().streamsRefused),
  );
}
