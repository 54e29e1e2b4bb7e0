import { useState } from 'preact/hooks';
import { addDevice, type DeviceToAdd, identifyUnit, previewDevice } from '../api/calls.js';
import type { Bus, DeviceSummary, Identified, ImportFacts } from '../api/types.js';
import { AddInstrument } from '../components/add-instrument.js';
import { Empty, Link, Loading, PageHead, Panel } from '../components/basics.js';
import { ConfirmAddition } from '../components/confirm-addition.js';
import { ErrorNote, Segments, useAction } from '../components/forms.js';
import { ListInput } from '../components/list-input.js';
import { PlaceFields } from '../components/place-fields.js';
import { ProfilePicker } from '../components/profile-picker.js';
import { type SunSpecChoice, SunSpecPicker } from '../components/sunspec-picker.js';
import { t } from '../i18n/translate.js';
import { href, location, replaceQuery } from '../router.js';
import { entryWith, givenListOf, type ListEntry } from '../state/given-list.js';
import { useView } from '../state/live.js';
import { may } from '../state/session.js';
import { useStore } from '../state/store.js';
import { elsewhereOf, nameFrom, type Place, placeFrom, whereOf, wholeNumber } from '../state/unit-place.js';

type Source = 'profile' | 'sunspec' | 'list';
const HEADER = 'name,area,address,type,unit\n';

/** Adds a device: where it is, what it gives, and what would be written before it is. */
export function AddDevicePage() {
  const { query } = useStore(location);
  const overview = useView('overview');
  const devices = useView('devices');
  const what = query.get('what') === 'instrument' ? 'instrument' : 'modbus';
  const buses = overview?.field.buses;
  return (
    <>
      <p class="crumb">
        <Link href={href('devices')}>{t('nav.devices')}</Link>
      </p>
      <PageHead title={t('addDevice.title')} />
      {may('administrator') && (
        <div class="tool-tabs">
          <Segments
            label={t('addDevice.what')}
            value={what}
            onChange={(next) => replaceQuery({ what: next === 'modbus' ? null : next })}
            options={(['modbus', 'instrument'] as const).map((value) => ({ value, label: t(`addDevice.what.${value}`) }))}
          />
        </div>
      )}
      {!may('administrator') ? (
        <Empty title={t('addDevice.forbidden')} />
      ) : buses === undefined || devices === undefined ? (
        <Loading />
      ) : what === 'instrument' ? (
        <AddInstrument free={freeBuses(buses, devices.items)} />
      ) : (
        <AddDevice buses={buses.filter(({ type }) => type.startsWith('modbus'))} />
      )}
    </>
  );
}

/** Serial buses have one instrument. */
function freeBuses(buses: readonly Bus[], devices: readonly DeviceSummary[]): string[] {
  return buses.flatMap(({ name, type }) => (type.startsWith('serial') && !devices.some(({ bus }) => bus === name) ? [name] : []));
}

/** The place that the address of the page names, on a bus that is there. */
function firstPlace(buses: readonly Bus[]): Place {
  const place = placeFrom(location.value.query);
  if (place.kind !== 'bus') return place;
  const known = buses.find(({ name }) => name === place.bus) ?? buses[0];
  return known === undefined ? { ...place, kind: 'tcp' } : { ...place, bus: known.name };
}

function AddDevice({ buses }: { buses: readonly Bus[] }) {
  const [place, setPlace] = useState(() => firstPlace(buses));
  const [said, setSaid] = useState<Identified | null>(null);
  const [source, setSource] = useState<Source>('profile');
  const [profile, setProfile] = useState<string | null>(null);
  const [sunspec, setSunSpec] = useState<SunSpecChoice | null>(null);
  const [list, setList] = useState(() => entryWith(HEADER));
  const [facts, setFacts] = useState<ImportFacts | null>(null);
  const [name, setName] = useState<string | null>(null);
  const where = whereOf(place);
  const unit = wholeNumber(place.unit, 0, 255);
  const ask = useAction(async () => {
    if (where === null || unit === null) return;
    setSaid(null);
    const answer = await identifyUnit(where, unit);
    setSaid(answer);
    setProfile((now) => answer.profiles[0] ?? now);
  });
  const shownName = name ?? suggestedName(source, profile, sunspec, unit);
  const newBus = place.newBus.trim() || nameFrom(shownName, 'bus');
  const preview = async (device: DeviceToAdd) => {
    const found = await previewDevice(device);
    setFacts(found.imported);
    return found;
  };
  return (
    <>
      <Panel title={t('addDevice.where')}>
        {buses.length === 0 && <p class="secondary">{t('addDevice.noBus')}</p>}
        <PlaceFields
          place={place}
          buses={buses}
          newBus={newBus}
          onChange={(change) => {
            setPlace({ ...place, ...change });
            // It was said of another unit.
            if (!('newBus' in change)) {
              setSaid(null);
              setSunSpec(null);
              ask.clear();
            }
          }}
        />
        <div class="tool-go">
          <button type="button" class="button" aria-disabled={ask.busy || where === null || unit === null} onClick={() => ask.start()}>
            {t(ask.busy ? 'addDevice.asking' : 'addDevice.ask')}
          </button>
          <span class="secondary">{t('addDevice.ask.hint')}</span>
        </div>
        {ask.error !== null && <ErrorNote error={ask.error} />}
        {said !== null && <Said said={said} />}
      </Panel>
      <Panel
        title={t('addDevice.tags')}
        actions={
          <Segments
            label={t('addDevice.from')}
            value={source}
            onChange={setSource}
            options={(['profile', 'sunspec', 'list'] as const).map((value) => ({ value, label: t(`addDevice.from.${value}`) }))}
          />
        }
      >
        {source === 'profile' && <ProfilePicker chosen={profile} onChoose={setProfile} fitting={said?.profiles ?? []} />}
        {source === 'sunspec' && <SunSpecPicker where={where} unit={unit} choice={sunspec} onChange={setSunSpec} />}
        {source === 'list' && (
          <ListInput
            entry={list}
            facts={facts}
            hint={t('addDevice.list.hint')}
            starter={HEADER}
            onChange={(next) => {
              if (next.text !== list.text || next.format !== list.format) setFacts(null);
              setList(next);
            }}
          />
        )}
      </Panel>
      <ConfirmAddition
        name={shownName}
        onName={setName}
        nameLabel={t('addDevice.name')}
        addition={deviceOf(shownName, place.kind === 'bus' ? place.bus : newBus, place, tagsOf(source, profile, sunspec, list))}
        missingText={(what: 'where' | 'tags') => t(`addDevice.missing.${what}`)}
        preview={preview}
        add={addDevice}
        addLabel={t('addDevice.do')}
      />
    </>
  );
}

function Said({ said: { identification, profiles } }: { said: Identified }) {
  const text = Object.values(identification ?? {}).join(', ');
  return (
    <div class="said" role="status">
      <p>{identification === null ? t('addDevice.silent') : t('addDevice.says', { text })}</p>
      <p>{profiles.length === 0 ? t('addDevice.fits.none') : t('addDevice.fits', { names: profiles.join(', ') })}</p>
    </div>
  );
}

function suggestedName(source: Source, profile: string | null, sunspec: SunSpecChoice | null, unit: number | null): string {
  if (source === 'sunspec') return sunspec === null ? '' : nameFrom(sunspec.found.manufacturer, sunspec.found.model);
  return source === 'profile' && profile !== null && unit !== null ? nameFrom(profile, String(unit)) : '';
}

/** null: nothing was chosen yet. */
function tagsOf(source: Source, profile: string | null, sunspec: SunSpecChoice | null, list: ListEntry): DeviceToAdd['tags'] | null {
  switch (source) {
    case 'profile':
      return profile === null ? null : { kind: 'profile', profile };
    case 'sunspec': {
      if (sunspec === null || sunspec.names.size === 0) return null;
      const { tags, scan } = sunspec.found;
      return { kind: 'tags', tags: tags.flatMap(({ tag }) => (sunspec.names.has(tag.name) ? [tag] : [])), scan };
    }
    case 'list':
      return list.text.trim() === '' ? null : { kind: 'list', ...givenListOf(list) };
  }
}

/** Or what is missing for one. */
function deviceOf(name: string, bus: string, place: Place, tags: DeviceToAdd['tags'] | null): DeviceToAdd | 'where' | 'tags' | 'name' {
  const unit = wholeNumber(place.unit, 0, 255);
  const newBus = elsewhereOf(place);
  if (unit === null || bus === '' || (place.kind !== 'bus' && newBus === null)) return 'where';
  if (tags === null) return 'tags';
  if (name.trim() === '') return 'name';
  return { name: name.trim(), bus, ...(newBus === null ? {} : { newBus }), unit, tags };
}
