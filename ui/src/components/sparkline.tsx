import { HISTORY_MS, historyOf, type Sample } from '../state/history.js';
import { gatewayNow } from '../state/live.js';

const WIDTH = 160;
const HEIGHT = 28;
const MIN_SPAN_MS = 60_000;

interface SparklineProps {
  series: string;
  label: string;
  /** With the line of zero. */
  base?: boolean;
}

/** The last minutes of a rate or size, from zero to its largest value; it is a hint, the number stands beside it. */
export function Sparkline({ series, label, base = false }: SparklineProps) {
  const samples = historyOf(series);
  const now = gatewayNow();
  const top = Math.max(1e-9, ...samples.map((sample) => sample.value));
  return (
    <svg class="sparkline" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={label}>
      {base && <path d={`M0 ${HEIGHT - 0.5}H${WIDTH}`} class="sparkline-base" />}
      {samples.length > 1 && <path d={steps(samples, now, top)} class="sparkline-line" />}
    </svg>
  );
}

/** As much as there is, at most all that is kept; at least a minute, so that a line does not jump about. */
export function spanOf(samples: readonly Sample[], now: number): number {
  const [first] = samples;
  return first === undefined ? MIN_SPAN_MS : Math.min(HISTORY_MS, Math.max(MIN_SPAN_MS, now - first.at));
}

/** A value holds until the next one: a line of steps, up to now. */
function steps(samples: readonly Sample[], now: number, top: number): string {
  const span = spanOf(samples, now);
  const x = (at: number) => (WIDTH * (1 - Math.max(0, now - at) / span)).toFixed(1);
  const y = (value: number) => (HEIGHT - 1.5 - (HEIGHT - 4) * (value / top)).toFixed(1);
  const [first] = samples;
  if (first === undefined) return '';
  const rest = samples.slice(1).map((sample) => `H${x(sample.at)}V${y(sample.value)}`);
  return `M${x(first.at)} ${y(first.value)}${rest.join('')}H${WIDTH}`;
}
