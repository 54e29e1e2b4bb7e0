import { findSunSpec } from '../api/calls.js';
import type { SunSpecFound, UnitWhere } from '../api/types.js';
import { count, tagValue } from '../i18n/format.js';
import { t } from '../i18n/translate.js';
import { TableBox } from './basics.js';
import { Button, ErrorNote, useAction } from './forms.js';
import { Status } from './status.js';

/** What was found, and the names of the tags that are taken. */
export interface SunSpecChoice {
  found: SunSpecFound;
  names: ReadonlySet<string>;
}

interface SunSpecPickerProps {
  /** null: it was not said. */
  where: UnitWhere | null;
  unit: number | null;
  choice: SunSpecChoice | null;
  onChange: (choice: SunSpecChoice | null) => void;
}

/** Finds the SunSpec map of a unit, and lets a person choose among its tags. */
export function SunSpecPicker({ where, unit, choice, onChange }: SunSpecPickerProps) {
  const work = useAction(async () => {
    if (where === null || unit === null) return;
    onChange(null);
    const found = await findSunSpec(where, unit);
    onChange({ found, names: namesOf(found, 'implemented') });
  });
  return (
    <>
      <div class="tool-go">
        <button type="button" class="button" aria-disabled={work.busy || where === null || unit === null} onClick={() => work.start()}>
          {t(work.busy ? 'sunspec.finding' : choice === null ? 'sunspec.find' : 'sunspec.again')}
        </button>
        <span class="secondary">{where === null || unit === null ? t('addDevice.missing.where') : t('sunspec.hint')}</span>
      </div>
      {work.error !== null && <ErrorNote error={work.error} />}
      {choice !== null && <Found choice={choice} onChange={onChange} />}
    </>
  );
}

function namesOf({ tags }: SunSpecFound, which: 'all' | 'implemented'): Set<string> {
  return new Set(tags.flatMap(({ tag, isImplemented }) => (which === 'all' || isImplemented ? [tag.name] : [])));
}

function Found({ choice, onChange }: { choice: SunSpecChoice; onChange: (choice: SunSpecChoice) => void }) {
  const { found, names } = choice;
  const { manufacturer, model, version, serialNumber, base, models, tags, problems } = found;
  const facts = [
    version === null ? null : t('sunspec.version', { value: version }),
    serialNumber === null ? null : t('sunspec.serial', { value: serialNumber }),
    t('sunspec.map', { base }),
  ].filter((fact) => fact !== null);
  const listed = models.map(({ id, name }) => (name === null ? t('sunspec.model.unknown', { id }) : t('sunspec.model', { id, name })));
  const toggle = (name: string) => {
    const next = new Set(names);
    if (!next.delete(name)) next.add(name);
    onChange({ found, names: next });
  };
  return (
    <div class="sunspec">
      <p role="status">
        <strong>{[manufacturer, model].filter(Boolean).join(' ')}</strong> {facts.join(' · ')}
      </p>
      <p class="secondary">{t('sunspec.models', { models: listed.join(', ') })}</p>
      {problems.map((problem) => (
        <p key={problem} class="sunspec-problem">
          <Status kind="spec" word="" /> {problem}
        </p>
      ))}
      <div class="picker-tools">
        <span>{t('sunspec.chosen', { count: count(names.size), total: count(tags.length) })}</span>
        <Button small onClick={() => onChange({ found, names: namesOf(found, 'implemented') })}>
          {t('sunspec.implemented')}
        </Button>
        <Button small onClick={() => onChange({ found, names: namesOf(found, 'all') })}>
          {t('sunspec.all')}
        </Button>
        <Button small onClick={() => onChange({ found, names: new Set() })}>
          {t('sunspec.nothing')}
        </Button>
      </div>
      <div class="picker">
        <TableBox label={t('sunspec.tags')}>
          <thead>
            <tr>
              <th class="pick">
                <span class="sr-only">{t('sunspec.tags')}</span>
              </th>
              <th>{t('tags.tag')}</th>
              <th class="number">{t('sunspec.now')}</th>
              <th>
                <span class="sr-only">{t('tags.unit')}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {tags.map(({ tag, value }) => (
              <tr key={tag.name}>
                <td class="pick">
                  <input
                    type="checkbox"
                    checked={names.has(tag.name)}
                    aria-label={t('sunspec.take', { name: tag.name })}
                    onChange={() => toggle(tag.name)}
                  />
                </td>
                <td class="fill">
                  {tag.name}
                  {tag.description !== undefined && <div class="secondary">{tag.description}</div>}
                </td>
                <td class="number">{tagValue(value, null, 'float32')}</td>
                <td class="unit">{tag.unit}</td>
              </tr>
            ))}
          </tbody>
        </TableBox>
      </div>
    </div>
  );
}
