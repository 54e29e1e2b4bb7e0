import { t } from '../i18n/translate.js';
import { type Parity, wholeNumber } from '../state/unit-place.js';
import { Field } from './forms.js';
import { PortSelect } from './port-select.js';
import { Select } from './select.js';

/** What is wrong with a number that was entered; null: nothing. */
export function outside(text: string, min: number, max: number): string | null {
  return wholeNumber(text, min, max) === null ? t('addDevice.number', { min, max }) : null;
}

interface Server {
  host: string;
  tcpPort: string;
}

/** Where a device or a serial server listens. */
export function ServerFields({ server, onChange }: { server: Server; onChange: (part: Partial<Server>) => void }) {
  return (
    <>
      <Field label={t('find.host')} value={server.host} onInput={(host) => onChange({ host })} />
      <Field
        label={t('find.tcpPort')}
        value={server.tcpPort}
        onInput={(tcpPort) => onChange({ tcpPort })}
        inputMode="numeric"
        fault={outside(server.tcpPort, 1, 65535)}
      />
    </>
  );
}

interface Line {
  port: string;
  baud: string;
  dataBits: '7' | '8';
  parity: Parity;
}

interface LineFieldsProps<S extends string> {
  line: Line & { stopBits: S };
  /** Whether there is a choice of data bits. */
  hasDataBits: boolean;
  stopBits: readonly S[];
  onChange: (part: Partial<Line> & { stopBits?: S }) => void;
}

/** A serial port of the gateway and how it is set. */
export function LineFields<S extends string>({ line, hasDataBits, stopBits, onChange }: LineFieldsProps<S>) {
  return (
    <>
      <PortSelect value={line.port} onChange={(port) => onChange({ port })} />
      <Field
        label={t('addDevice.baud')}
        value={line.baud}
        onInput={(baud) => onChange({ baud })}
        inputMode="numeric"
        fault={outside(line.baud, 50, 4_000_000)}
      />
      {hasDataBits && (
        <Select
          label={t('find.dataBits')}
          value={line.dataBits}
          onChange={(dataBits) => onChange({ dataBits })}
          options={(['7', '8'] as const).map((value) => ({ value, label: value }))}
        />
      )}
      <Select
        label={t('find.parity')}
        value={line.parity}
        onChange={(parity) => onChange({ parity })}
        options={(['none', 'even', 'odd'] as const).map((value) => ({ value, label: t(`find.parity.${value}`) }))}
      />
      <Select
        label={t('addDevice.stopBits')}
        value={line.stopBits}
        onChange={(next) => onChange({ stopBits: next })}
        options={stopBits.map((value) => ({ value, label: value }))}
      />
    </>
  );
}
