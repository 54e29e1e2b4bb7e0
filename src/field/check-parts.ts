import type { ValueConfig } from './schema.js';

export interface ConfigFault {
  /** From the `field:` section. */
  path: (string | number)[];
  message: string;
  hint?: string;
}

export type Path = (string | number)[];

export function duplicates(items: readonly { name: string }[], path: Path, what: string): ConfigFault[] {
  const first = new Map<string, number>();
  return items.flatMap(({ name }, index) => {
    const other = first.get(name);
    if (other === undefined) {
      first.set(name, index);
      return [];
    }
    return [
      {
        path: [...path, index, 'name'],
        message: `There is a ${what} ${name} already.`,
        hint: `Names must differ; the other is number ${other + 1}.`,
      },
    ];
  });
}

export function checkValue(value: ValueConfig, path: Path): ConfigFault[] {
  const faults = checkRange(value.clamp, [...path, 'clamp'], value.name);
  if (value.min_interval !== undefined && value.max_interval !== undefined && value.min_interval > value.max_interval) {
    faults.push({
      path: [...path, 'min_interval'],
      message: `${value.name}: min_interval is longer than max_interval.`,
      hint: 'Swap them.',
    });
  }
  return faults;
}

export function checkRange(range: { min?: number; max?: number } | undefined, path: Path, name: string): ConfigFault[] {
  if (range?.min === undefined || range.max === undefined || range.min <= range.max) return [];
  return [{ path: [...path, 'min'], message: `${name}: min is larger than max.`, hint: 'Swap them.' }];
}
