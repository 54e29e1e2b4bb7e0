import type { StatusKind } from './status-kind.js';

export function StatusShape({ kind }: { kind: StatusKind }) {
  return (
    <svg class={`shape shape-${kind}`} viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
      {shapeOf(kind)}
    </svg>
  );
}

function shapeOf(kind: StatusKind) {
  switch (kind) {
    case 'good':
      return <path d="M3.500 8.500l3 3 6-7" fill="none" stroke="currentColor" stroke-width="1.800" />;
    case 'failure':
      return (
        <>
          <circle cx="8" cy="8" r="7" class="shape-fill" />
          <path d="M5 5l6 6M11 5l-6 6" class="shape-sign" />
        </>
      );
    case 'check':
      return (
        <>
          <rect x="1.500" y="1.500" width="13" height="13" rx="1" class="shape-fill" />
          <path d="M10.800 5.800a3.200 3.200 0 1 0 0 4.400" class="shape-sign" fill="none" />
        </>
      );
    case 'spec':
      return (
        <>
          <path d="M8 1.200L15.200 14H.8z" class="shape-fill" />
          <path d="M8 6v4M8 11.300v1.300" class="shape-sign" />
        </>
      );
    case 'maintenance':
      return (
        <>
          <path d="M8 .8L15.200 8 8 15.200.8 8z" class="shape-fill" />
          <path d="M8 4.500v4.500M8 10.400v1.400" class="shape-sign" />
        </>
      );
    case 'off':
      return <circle cx="8" cy="8" r="5" fill="none" stroke="currentColor" stroke-width="1.500" />;
  }
}

const PATHS = {
  menu: 'M2 4h12M2 8h12M2 12h12',
  close: 'M3.500 3.500l9 9M12.500 3.500l-9 9',
  right: 'M6 3.500L10.500 8 6 12.500',
  down: 'M3.500 6L8 10.500 12.500 6',
  pin: 'M5 2h6l-1 5 2.500 2.500h-9L6 7zM8 9.500V14',
  search: 'M7 2.500a4.500 4.500 0 1 0 0 9 4.500 4.500 0 0 0 0-9zM10.300 10.300l3.500 3.500',
};

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d={PATHS[name]} fill="none" stroke="currentColor" stroke-width="1.500" stroke-linejoin="round" />
    </svg>
  );
}
