import type { Bus } from '../api/types.js';
import { t, tWord } from '../i18n/translate.js';
import { type Place, usualLine, wholeNumber } from '../state/unit-place.js';
import { Field, Segments } from './forms.js';
import { PortSelect } from './port-select.js';
import { Select } from './select.js';

interface PlaceFieldsProps {
  place: Place;
  /** Buses that devices can be added to. */
  buses: readonly Bus[];
  /** Name that a new bus gets. */
  newBus: string;
  onChange: (change: Partial<Place>) => void;
}

/** Where a device is: on a bus of the gateway, or where no bus is yet. */
export function PlaceFields({ place, buses, newBus, onChange }: PlaceFieldsProps) {
  const { kind, framing } = place;
  const kinds = buses.length === 0 ? (['tcp', 'server', 'line'] as const) : (['bus', 'tcp', 'server', 'line'] as const);
  const bounds = (text: string, min: number, max: number) =>
    wholeNumber(text, min, max) === null ? t('addDevice.number', { min, max }) : null;
  return (
    <div class="tool-form place-fields">
      <Segments
        label={t('addDevice.where')}
        value={kind}
        onChange={(next) => onChange({ kind: next, tcpPort: next === 'server' ? '4001' : '502' })}
        options={kinds.map((value) => ({ value, label: t(`addDevice.kind.${value}`) }))}
      />
      {(kind === 'server' || kind === 'line') && (
        <Segments
          label={t('find.framing')}
          value={framing}
          onChange={(next) => onChange(usualLine(next))}
          options={(['rtu', 'ascii'] as const).map((value) => ({ value, label: t(`find.framing.${value}`) }))}
        />
      )}
      {kind === 'bus' && (
        <Select
          label={t('addDevice.bus')}
          value={place.bus}
          onChange={(bus) => onChange({ bus })}
          options={buses.map(({ name, type }) => ({ value: name, label: `${name} (${tWord('busKind', type)})` }))}
        />
      )}
      {kind === 'line' && <LineFields place={place} onChange={onChange} bounds={bounds} />}
      {(kind === 'tcp' || kind === 'server') && (
        <>
          <Field label={t('find.host')} value={place.host} onInput={(host) => onChange({ host })} />
          <Field
            label={t('find.tcpPort')}
            value={place.tcpPort}
            onInput={(tcpPort) => onChange({ tcpPort })}
            inputMode="numeric"
            fault={bounds(place.tcpPort, 1, 65535)}
          />
        </>
      )}
      <Field
        label={t('addDevice.unit')}
        value={place.unit}
        onInput={(unit) => onChange({ unit })}
        inputMode="numeric"
        fault={bounds(place.unit, 0, 255)}
      />
      {kind !== 'bus' && (
        <Field
          label={t('addDevice.newBus')}
          value={place.newBus}
          onInput={(name) => onChange({ newBus: name })}
          hint={t('addDevice.newBus.hint', { name: newBus })}
        />
      )}
    </div>
  );
}

interface LineFieldsProps {
  place: Place;
  onChange: (change: Partial<Place>) => void;
  bounds: (text: string, min: number, max: number) => string | null;
}

function LineFields({ place, onChange, bounds }: LineFieldsProps) {
  return (
    <>
      <PortSelect value={place.port} onChange={(port) => onChange({ port })} />
      <Field
        label={t('addDevice.baud')}
        value={place.baud}
        onInput={(baud) => onChange({ baud })}
        inputMode="numeric"
        fault={bounds(place.baud, 50, 4_000_000)}
      />
      {place.framing === 'ascii' && (
        <Select
          label={t('find.dataBits')}
          value={place.dataBits}
          onChange={(dataBits) => onChange({ dataBits })}
          options={(['7', '8'] as const).map((value) => ({ value, label: value }))}
        />
      )}
      <Select
        label={t('find.parity')}
        value={place.parity}
        onChange={(parity) => onChange({ parity })}
        options={(['none', 'even', 'odd'] as const).map((value) => ({ value, label: t(`find.parity.${value}`) }))}
      />
      <Select
        label={t('addDevice.stopBits')}
        value={place.stopBits}
        onChange={(stopBits) => onChange({ stopBits })}
        options={(['1', '1.5', '2'] as const).map((value) => ({ value, label: value }))}
      />
    </>
  );
}
