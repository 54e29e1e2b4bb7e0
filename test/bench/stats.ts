/** The value in the middle of what was measured; the mean of the two middle ones for an even count. NaN for none. */
export function median(values: readonly number[]): number {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The smallest sample that at least `share` (0 to 1) of all samples do not exceed; NaN for none. */
export function percentile(samples: readonly number[], share: number): number {
  if (samples.length === 0) return Number.NaN;
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
}

/** Half of the distance between the extremes, as a share of the median: what stands behind "±". */
export function spread(values: readonly number[]): number {
  const middle = median(values);
  if (values.length < 2 || middle === 0) return 0;
  return (Math.max(...values) - Math.min(...values)) / 2 / middle;
}

/** The median of the ratios round by round: what slows the whole machine for a while slows both sides of a round. */
export function medianRatio(values: readonly (number | null)[], reference: readonly (number | null)[]): number {
  const ratios: number[] = [];
  values.forEach((value, round) => {
    const other = reference[round] ?? null;
    if (value !== null && other !== null && other !== 0) ratios.push(value / other);
  });
  return median(ratios);
}
