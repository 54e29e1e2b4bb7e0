import { useState } from 'preact/hooks';
import type { Topic } from '../api/types.js';
import { perSecond } from '../i18n/format.js';
import { t, tn } from '../i18n/translate.js';
import { replaceQuery } from '../router.js';
import { Age } from './basics.js';
import { Icon } from './icons.js';
import { rowsOf, type TopicNode, type TopicRow, treeOf } from './topic-tree.js';

/** A small tree is open as a whole, a large one only at its first level. */
const OPEN_ALL = 120;
/** More rows than this are shown on demand: a table of thousands makes a phone slow. */
const MAX_ROWS = 400;

interface TopicRowsProps {
  topics: Topic[];
  selected: string | null;
  /** All that was found is shown, whatever is closed. */
  searching: boolean;
}

export function TopicRows({ topics, selected, searching }: TopicRowsProps) {
  const [toggled, setToggled] = useState<ReadonlyMap<string, boolean>>(new Map());
  const [limit, setLimit] = useState(MAX_ROWS);
  const isOpen = (node: TopicNode, depth: number) => searching || (toggled.get(node.path) ?? (topics.length <= OPEN_ALL || depth === 0));
  const rows = rowsOf(treeOf(topics), isOpen);
  return (
    <>
      <div class="tree-head" aria-hidden="true">
        <span>{t('topics.topic')}</span>
        <span>{t('topics.value')}</span>
        <span class="number">{t('topics.rate')}</span>
        <span class="number">{t('topics.age')}</span>
      </div>
      <ul class="tree">
        {rows.slice(0, limit).map(({ node, depth }) => (
          <Row
            key={node.path}
            row={{ node, depth }}
            open={isOpen(node, depth)}
            selected={node.topic !== null && node.path === selected}
            onToggle={() => setToggled(new Map(toggled).set(node.path, !isOpen(node, depth)))}
          />
        ))}
      </ul>
      {rows.length > limit && (
        <button type="button" class="button wide-button" onClick={() => setLimit(limit + MAX_ROWS)}>
          {tn('topics.showMore', rows.length - limit)}
        </button>
      )}
    </>
  );
}

interface RowProps {
  row: TopicRow;
  open: boolean;
  selected: boolean;
  onToggle: () => void;
}

function Row({ row: { node, depth }, open, selected, onToggle }: RowProps) {
  const { topic } = node;
  const branch = node.children.length > 0;
  const name = node.name === '' ? t('topics.emptyLevel') : node.name;
  return (
    <li class={`tree-row depth-${Math.min(depth, 12)}${selected ? ' selected' : ''}`}>
      {branch ? (
        <button
          type="button"
          class="tree-toggle"
          aria-expanded={open}
          aria-label={t('topics.level', { path: node.path })}
          onClick={onToggle}
        >
          <Icon name={open ? 'down' : 'right'} />
        </button>
      ) : (
        <span class="tree-toggle" />
      )}
      {topic === null ? (
        <button type="button" class="tree-name tree-branch" onClick={onToggle} tabIndex={-1}>
          <span class="tree-text">{name}</span>
          {!open && <span class="secondary">{tn('topics.below', node.topics)}</span>}
        </button>
      ) : (
        <button
          type="button"
          class="tree-name"
          aria-pressed={selected}
          title={topic.topic}
          onClick={() => replaceQuery({ topic: selected ? null : topic.topic })}
        >
          <span class="tree-text">{name}</span>
          {topic.retained && (
            <span class="tree-retained" title={t('topic.retained')}>
              <Icon name="pin" />
              <span class="sr-only">{t('topic.retained')}</span>
            </span>
          )}
        </button>
      )}
      {topic !== null && (
        <>
          <span class="tree-value mono">{shortPayload(topic)}</span>
          <span class="number tree-rate">{topic.rate > 0 ? perSecond(topic.rate) : ''}</span>
          <span class="number tree-age">{topic.at === null ? '' : <Age at={topic.at} />}</span>
        </>
      )}
    </li>
  );
}

const SHOWN = 120;

function shortPayload({ format, payload, size }: Topic): string {
  if (size === 0) return t('topic.empty');
  if (format === 'hex') return `0x${payload.slice(0, SHOWN)}`;
  return payload.slice(0, SHOWN).replaceAll(/\s+/g, ' ');
}
