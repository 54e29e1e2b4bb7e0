/** The time stamps of P1 telegrams (DSMR, TST): YYMMDDhhmmssX, X: S summer time, W winter time, of Central Europe. */

const STAMP = /^([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([SW]?)$/;
const HOUR = 3_600_000;

/** UTC, ms; null: there is no such time. Without S or W (DSMR 2 and 3) summer time is what the rules of the EU say. */
export function parseStamp(text: string): number | null {
  const [, year, month, day, hour, minute, second, season = ''] = STAMP.exec(text) ?? [];
  if (second === undefined) return null;
  const date = [2000 + Number(year), Number(month) - 1, Number(day)] as const;
  const time = [Number(hour), Number(minute), Number(second)] as const;
  const local = Date.UTC(...date, ...time);
  const there = new Date(local);
  // What overflows into the next unit is none, such as a month 25.
  if (there.getUTCMonth() !== date[1] || there.getUTCDate() !== date[2]) return null;
  if (there.getUTCHours() !== time[0] || there.getUTCMinutes() !== time[1] || there.getUTCSeconds() !== time[2]) return null;
  const isSummer = season === 'S' || (season === '' && isSummerTime(local - 2 * HOUR));
  return local - (isSummer ? 2 : 1) * HOUR;
}

/** From the last Sunday of March to that of October, 1:00 UTC. */
function isSummerTime(utc: number): boolean {
  const year = new Date(utc).getUTCFullYear();
  return utc >= lastSunday(year, 2) && utc < lastSunday(year, 9);
}

function lastSunday(year: number, month: number): number {
  const last = new Date(Date.UTC(year, month + 1, 0, 1));
  return last.getTime() - last.getUTCDay() * 24 * HOUR;
}
