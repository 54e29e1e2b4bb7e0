import type { Bus } from '../api/types.js';
import { t, tWord } from '../i18n/translate.js';
import { type Place, usualLine } from '../state/unit-place.js';
import { LineFields, outside, ServerFields } from './endpoint-fields.js';
import { Field, Segments } from './forms.js';
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
      {kind === 'line' && <LineFields line={place} hasDataBits={framing === 'ascii'} stopBits={['1', '1.5', '2']} onChange={onChange} />}
      {(kind === 'tcp' || kind === 'server') && <ServerFields server={place} onChange={onChange} />}
      <Field
        label={t('addDevice.unit')}
        value={place.unit}
        onInput={(unit) => onChange({ unit })}
        inputMode="numeric"
        fault={outside(place.unit, 0, 255)}
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
