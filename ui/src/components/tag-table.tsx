import { useRef, useState } from 'preact/hooks';
import type { TagStatus } from '../api/types.js';
import { tagValue } from '../i18n/format.js';
import { t } from '../i18n/translate.js';
import { isNumeric } from '../pages/device.js';
import { may } from '../state/session.js';
import { Age, Empty, Panel, TableBox } from './basics.js';
import { Button, NoMatch, Search } from './forms.js';
import { memo } from './memo.js';
import { QualityState } from './status.js';

interface TagTableProps {
  tags: TagStatus[];
  /** Names of the tags in the trend. */
  selected: string[];
  onToggle: (name: string) => void;
  onWrite: (tag: TagStatus) => void;
}

/** From so many tags on there is a search. */
const SEARCH_FROM = 8;

export function TagTable({ tags, selected, onToggle, onWrite }: TagTableProps) {
  const [search, setSearch] = useState('');
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = tags.filter((tag) => words.every((word) => `${tag.name} ${tag.description ?? ''}`.toLowerCase().includes(word)));
  const writable = may('operator') && tags.some((tag) => tag.writable);
  // Ages are drawn every second anyway: that a value was read once more is no reason to draw its row again.
  const times = useRef(new Map<string, number | null>()).current;
  for (const tag of tags) times.set(tag.name, tag.ts);
  // Rows are drawn again only when their tag changes: the handlers must not.
  const handlers = useRef({ onToggle, onWrite });
  handlers.current = { onToggle, onWrite };
  const toggle = useRef((name: string) => handlers.current.onToggle(name)).current;
  const write = useRef((tag: TagStatus) => handlers.current.onWrite(tag)).current;
  return (
    <Panel
      title={t('tags.title')}
      class="tags"
      {...(tags.length < SEARCH_FROM ? {} : { actions: <Search label={t('tags.search')} value={search} onInput={setSearch} /> })}
    >
      {tags.length === 0 && <Empty title={t('tags.none')} hint={t('tags.none.hint')} />}
      {tags.length > 0 && shown.length === 0 && <NoMatch onClear={() => setSearch('')} />}
      {shown.length > 0 && (
        <TableBox label={t('tags.title')}>
          <thead>
            <tr>
              <th class="pick">{t('tags.trend')}</th>
              <th class="fill">{t('tags.tag')}</th>
              <th class="number">{t('tags.value')}</th>
              <th class="unit">
                <span class="sr-only">{t('tags.unit')}</span>
              </th>
              <th>{t('tags.quality')}</th>
              <th class="number">{t('tags.age')}</th>
              {writable && (
                <th>
                  <span class="sr-only">{t('tags.write')}</span>
                </th>
              )}
            </tr>
          </thead>
          <tbody>
            {shown.map((tag) => (
              <TagRow
                key={tag.name}
                tag={tag}
                times={times}
                selected={selected.includes(tag.name)}
                writable={writable}
                onToggle={toggle}
                onWrite={write}
              />
            ))}
          </tbody>
        </TableBox>
      )}
    </Panel>
  );
}

interface TagRowProps {
  tag: TagStatus;
  /** When tags were read last, by name. */
  times: ReadonlyMap<string, number | null>;
  selected: boolean;
  /** There is a column for writing. */
  writable: boolean;
  onToggle: (name: string) => void;
  onWrite: (tag: TagStatus) => void;
}

const TagRow = memo(
  ({ tag, times, selected, writable, onToggle, onWrite }: TagRowProps) => (
    <tr data-tag={tag.name} class={`quality-${tag.quality}${writable && tag.writable ? ' can-write' : ''}`}>
      <td class="pick">
        {isNumeric(tag) && (
          <input type="checkbox" checked={selected} aria-label={t('tags.inTrend', { tag: tag.name })} onChange={() => onToggle(tag.name)} />
        )}
      </td>
      <td class="fill tag-name">
        <span title={tag.topic}>{tag.name}</span>
        {tag.description !== null && <div class="secondary">{tag.description}</div>}
      </td>
      <td class="number value" title={tag.value === null ? undefined : String(tag.value)}>
        {tagValue(tag.value, tag.precision, tag.type)}
      </td>
      <td class="unit">{tag.unit}</td>
      <td class="tag-quality">
        <QualityState quality={tag.quality} reason={tag.reason} />
      </td>
      <td class="number tag-age">
        <Age at={() => times.get(tag.name) ?? null} />
      </td>
      {writable && (
        <td class="row-action">
          {tag.writable && (
            <Button small label={t('tags.writeTo', { tag: tag.name })} onClick={() => onWrite(tag)}>
              {t('tags.write')}
            </Button>
          )}
        </td>
      )}
    </tr>
  ),
  { tag: isSameButForTime },
);

/** Everything that a row shows but the age. */
function isSameButForTime(before: TagStatus, after: TagStatus): boolean {
  return (Object.keys(after) as (keyof TagStatus)[]).every((key) => key === 'ts' || before[key] === after[key]);
}
