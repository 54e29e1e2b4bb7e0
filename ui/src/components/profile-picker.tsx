import { useState } from 'preact/hooks';
import { getProfile, getProfiles } from '../api/calls.js';
import type { ProfileSummary } from '../api/types.js';
import { count } from '../i18n/format.js';
import { t, tWord } from '../i18n/translate.js';
import { measuresOf } from '../state/measures.js';
import { useLoaded } from '../state/use-loaded.js';
import { Loading, TableBox } from './basics.js';
import { ErrorNote, NoMatch, Search } from './forms.js';
import { Status } from './status.js';

interface ProfilePickerProps {
  chosen: string | null;
  onChoose: (name: string) => void;
  /** Names of those that the device fits. */
  fitting: readonly string[];
}

/** The device profiles, to choose one of: those that fit first. */
export function ProfilePicker({ chosen, onChoose, fitting }: ProfilePickerProps) {
  const { data, error } = useLoaded(getProfiles);
  const [search, setSearch] = useState('');
  if (error !== null) return <ErrorNote error={error} />;
  if (data === null) return <Loading />;
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = data.profiles.filter((profile) => words.every((word) => textOf(profile).includes(word)));
  const sorted = [...shown].sort((a, b) => Number(fitting.includes(b.name)) - Number(fitting.includes(a.name)));
  return (
    <>
      <div class="picker-tools">
        <Search label={t('profile.search')} value={search} onInput={setSearch} />
      </div>
      {sorted.length === 0 ? (
        <NoMatch onClear={() => setSearch('')} />
      ) : (
        <div class="picker">
          <TableBox cards label={t('addDevice.from.profile')}>
            <thead>
              <tr>
                <th>{t('profile.device')}</th>
                <th>{t('profile.kind')}</th>
                <th class="fill">{t('profile.measures')}</th>
                <th class="number">{t('profile.tags')}</th>
              </tr>
            </thead>
            <tbody>
              {sorted.map((profile) => (
                <Row
                  key={profile.name}
                  profile={profile}
                  isChosen={profile.name === chosen}
                  fits={fitting.includes(profile.name)}
                  onChoose={() => onChoose(profile.name)}
                />
              ))}
            </tbody>
          </TableBox>
        </div>
      )}
      {data.broken.map(({ name, error: fault }) => (
        <p key={name} class="profile-broken">
          <Status kind="spec" word={t('profile.broken', { name, message: fault.message })} />
        </p>
      ))}
      {chosen !== null && <Details key={chosen} name={chosen} />}
    </>
  );
}

function Row({ profile, isChosen, fits, onChoose }: { profile: ProfileSummary; isChosen: boolean; fits: boolean; onChoose: () => void }) {
  const { vendor, model, kind, tags, shipped } = profile;
  return (
    <tr class={isChosen ? 'selected' : ''}>
      <td class="picker-device">
        <label class="check">
          <input
            type="radio"
            name="profile"
            checked={isChosen}
            onChange={onChoose}
            aria-label={t('profile.choose', { name: `${vendor} ${model}` })}
          />
          <span>
            <strong>{vendor}</strong> {model}
            {fits && <Status kind="good" word={t('profile.fits')} />}
            {!shipped && <span class="tag">{t('profile.own')}</span>}
          </span>
        </label>
      </td>
      <td data-label={t('profile.kind')}>{tWord('profile.kind', kind)}</td>
      <td data-label={t('profile.measures')} class="fill">
        {measuresText(profile)}
      </td>
      <td data-label={t('profile.tags')} class="number">
        {count(tags)}
      </td>
    </tr>
  );
}

function measuresText({ units, kind }: ProfileSummary): string {
  return measuresOf(units, kind)
    .map((measure) => (typeof measure === 'string' ? t(measure) : measure.unit))
    .join(', ');
}

function textOf(profile: ProfileSummary): string {
  const { name, vendor, model, kind } = profile;
  return [name, vendor, model, tWord('profile.kind', kind), measuresText(profile)].join(' ').toLowerCase();
}

/** What should be known of a profile before it is used. */
function Details({ name }: { name: string }) {
  const { data, error } = useLoaded(() => getProfile(name), name);
  if (error !== null) return <ErrorNote error={error} />;
  if (data === null) return <Loading />;
  const { description, serial, tcpPort, unit, sources, tagList } = data;
  const line = serial === null ? null : `${serial.baud} 8${serial.parity[0]?.toUpperCase()}${serial.stop_bits}`;
  const connection = [
    line === null ? null : t('profile.serial', { settings: line }),
    tcpPort === null ? null : t('profile.tcp', { port: tcpPort }),
    unit === null ? null : t('profile.unit', { unit }),
  ].filter((text) => text !== null);
  const title = t('profile.tagList', { name });
  return (
    <section class="profile-details" aria-label={name}>
      {description !== null && <p>{description}</p>}
      {connection.length > 0 && <p>{connection.join(' · ')}</p>}
      <details>
        <summary>
          {title} ({count(tagList.length)})
        </summary>
        <TableBox label={title}>
          <tbody>
            {tagList.map((tag) => (
              <tr key={tag.name}>
                <td class="mono">{tag.name}</td>
                <td class="secondary">{[tag.area, tag.address].filter((part) => part !== null).join(' ')}</td>
                <td>{tag.unit}</td>
                <td class="fill">
                  {tag.description}
                  {tag.writable && <span class="tag">{t('profile.writable')}</span>}
                </td>
              </tr>
            ))}
          </tbody>
        </TableBox>
      </details>
      <p class="secondary">
        {t('profile.sources')}: {sources.map(({ title: source, section }) => [source, section].filter(Boolean).join(', ')).join('; ')}
      </p>
    </section>
  );
}
