import type { GatewayPort } from '../console/ports.js';
import type { StartReport } from '../store/types.js';

export type Notice = ReturnType<GatewayPort['notices']>[number];

/** What a start found that a person should read. */
export function noticesOf(report: StartReport, at: number): Notice[] {
  const notices: Notice[] = report.warnings.map((message) => ({ at, level: 'warning', message }));
  if (report.salvaged !== null) {
    const { setAside, saved, lost } = report.salvaged;
    const kept = Object.entries(saved)
      .filter(([, count]) => count > 0)
      .map(([what, count]) => `${count} ${what}`);
    notices.push({
      at,
      level: 'error',
      message: `The database was damaged and has been replaced. Saved: ${kept.join(', ') || 'nothing'}. Lost: ${lost.join('; ') || 'nothing that is known of'}.`,
      hint: `The damaged file is kept as ${setAside}.`,
    });
  }
  return notices;
}
