import type { FigureRow, Results } from './results.js';
import { type Summary, summarize } from './results.js';

const BUSY = '    busy: candidate / load / others';

/** A number with three digits that count, and a thin reading aid between thousands. */
export function formatNumber(value: number): string {
  if (value === 0) return '0';
  const digits = Math.floor(Math.log10(Math.abs(value)));
  if (digits < 2) return value.toFixed(Math.min(3, 2 - digits));
  const rounded = Math.round(value / 10 ** (digits - 2)) * 10 ** (digits - 2);
  return String(Math.round(rounded)).replace(/\B(?=(\d{3})+(?!\d))/g, ' ');
}

/** `81 200 ±3 % 1.25x`, with `!` where the load generator was the limit and `~` where other programs disturbed. */
export function formatCell(summary: Summary | null, rounds: number): string {
  if (summary === null) return '';
  const mark = `${summary.generatorBound ? ' !' : ''}${summary.disturbed ? ' ~' : ''}`;
  if (summary.median === null) return `${summary.note ?? '-'}${mark}`;
  const parts = [`${formatNumber(summary.median)}${mark}`];
  if (rounds > 1) parts.push(`±${Math.round(summary.spread * 100)} %`);
  if (summary.ratio !== null) parts.push(`${summary.ratio.toFixed(2)}x`);
  return parts.join('  ');
}

/** Lines of columns as wide as their widest cell; the first one is aligned to the left, like the others. */
export function formatColumns(lines: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const line of lines) {
    line.forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, cell.length);
    });
  }
  return lines.map((line) =>
    line
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join('   ')
      .trimEnd(),
  );
}

/** The whole table; `reference` is the candidate that ratios refer to, where a scenario has none of its own. */
export function formatResults(results: Results, candidates: readonly string[], reference: string, rounds: number): string {
  const lines: string[][] = [['', ...candidates]];
  for (const { id, title, reference: own, rows } of results.scenarios()) {
    lines.push([], [`${id}: ${title}`]);
    let busy = '';
    for (const row of rows) {
      const [figure, ...further] = rowLines(row, candidates, own ?? reference, rounds);
      // Figures of one measurement share their load: it stands once.
      const [first, ...rest] = further;
      const repeated = first !== undefined && first.join() === busy;
      if (first?.[0] === BUSY) busy = first.join();
      lines.push(figure!, ...(repeated ? rest : further));
    }
  }
  // Titles are not cells: they would make the first column as wide as themselves.
  const isTitle = (line: readonly string[]): boolean => line.length === 1;
  const formatted = formatColumns(lines.filter((line) => !isTitle(line)));
  return lines.map((line) => (isTitle(line) ? line[0]! : formatted.shift()!)).join('\n');
}

function rowLines(row: FigureRow, candidates: readonly string[], reference: string, rounds: number): string[][] {
  const ofReference = row.series.get(reference) ?? null;
  const summaries = candidates.map((name) => {
    const series = row.series.get(name);
    return series === undefined ? null : summarize(series, name === reference ? null : ofReference);
  });
  const lines = [[`  ${row.name} (${row.unit})`, ...summaries.map((summary) => formatCell(summary, rounds))]];
  if (summaries.some((summary) => summary?.load != null)) {
    lines.push([BUSY, ...summaries.map((summary) => formatLoad(summary))]);
  }
  if (summaries.some((summary) => summary !== null && summary.median !== null && summary.note !== null)) {
    lines.push(['    note', ...summaries.map((summary) => (summary?.median == null ? '' : (summary.note ?? '')))]);
  }
  return lines;
}

function formatLoad(summary: Summary | null): string {
  if (summary?.load == null) return '';
  const { candidate, generator, others } = summary.load;
  return `${[candidate, generator, others].map((share) => Math.round(share * 100)).join(' / ')} %`;
}
