import { readFileSync } from 'node:fs';

/** Linux counts the time of processes in hundredths of a second, whatever the kernel's own tick. */
const TICKS_PER_SECOND = 100;

/** Seconds of processor time of all threads of a process, from the text of /proc/PID/stat. */
export function parseCpuSeconds(stat: string): number {
  // The second field is the name in parentheses, which may hold spaces: count from behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Bytes of a line such as `VmHWM:     1234 kB` of /proc/PID/status. */
export function parseMemory(status: string, field: 'VmRSS' | 'VmHWM'): number {
  const match = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status);
  return match === null ? Number.NaN : Number(match[1]) * 1024;
}

/** How many files a process may have open, from the text of /proc/PID/limits. */
export function parseOpenFiles(limits: string): number {
  return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Number.NaN);
}

export function cpuSecondsOf(pid: number): number {
  return parseCpuSeconds(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}

/** Resident bytes: now (VmRSS), or the most there ever were (VmHWM). */
export function memoryOf(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  return parseMemory(readFileSync(`/proc/${pid}/status`, 'utf8'), field);
}

/** Seconds that a core was not idle, from the text of /proc/stat. */
export function parseCoreBusy(stat: string, core: number): number {
  const line = new RegExp(`^cpu${core} (.*)$`, 'm').exec(stat)?.[1];
  if (line === undefined) return Number.NaN;
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = line.trim().split(/\s+/).map(Number);
  return (user + nice + system + irq + softirq + steal) / TICKS_PER_SECOND;
}

/** Seconds that the two cores of the measurement were not idle, together. */
export function coresBusy(): number {
  const stat = readFileSync('/proc/stat', 'utf8');
  return parseCoreBusy(stat, 0) + parseCoreBusy(stat, 1);
}
