import { useState } from 'preact/hooks';
import { Empty, Loading, PageHead, Panel } from '../components/basics.js';
import { Button, Field, NoMatch, Search } from '../components/forms.js';
import { PublishPanel, type PublishSeed } from '../components/publish-panel.js';
import { TopicDetail } from '../components/topic-detail.js';
import { TopicRows } from '../components/topic-rows.js';
import { count } from '../i18n/format.js';
import { t, tn } from '../i18n/translate.js';
import { location, replaceQuery } from '../router.js';
import { useView } from '../state/live.js';
import { may } from '../state/session.js';
import { useStore } from '../state/store.js';

const EVERYTHING = '#';

/** Every topic with its last value, live; one of them in detail; publish. */
export function TopicsPage() {
  const { query } = useStore(location);
  const asked = query.get('filter') ?? EVERYTHING;
  // An address may say anything.
  const filter = filterFault(asked) === null ? asked : EVERYTHING;
  const selected = query.get('topic');
  const [search, setSearch] = useState('');
  const [seed, setSeed] = useState<PublishSeed>({ id: 0, topic: '' });
  return (
    <>
      <PageHead title={t('nav.topics')}>
        <FilterForm key={filter} filter={filter} />
        <Search label={t('topics.search')} value={search} onInput={setSearch} />
      </PageHead>
      <div class="topics">
        <Tree filter={filter} search={search} selected={selected} onClearSearch={() => setSearch('')} />
        <div class="topics-side">
          {selected === null ? (
            <Panel title={t('topic.title')}>
              <Empty title={t('topic.none')} hint={t('topic.none.hint')} />
            </Panel>
          ) : (
            <TopicDetail filter={filter} topic={selected} onPublish={(topic) => setSeed({ id: seed.id + 1, topic })} />
          )}
          {may('operator') && <PublishPanel key={seed.id} seed={seed} />}
        </div>
      </div>
    </>
  );
}

/** Which topics the gateway is asked for. */
function FilterForm({ filter }: { filter: string }) {
  const [text, setText] = useState(filter);
  const [fault, setFault] = useState<string | null>(null);
  const submit = (event: Event) => {
    event.preventDefault();
    const next = text.trim() === '' ? EVERYTHING : text.trim();
    const wrong = filterFault(next);
    setFault(wrong);
    if (wrong === null) replaceQuery({ filter: next === EVERYTHING ? null : next });
  };
  return (
    <form class="filter-form" onSubmit={submit} noValidate>
      <Field label={t('topics.filter')} value={text} onInput={setText} fault={fault} mono maxLength={1024} />
      <button type="submit" class="button">
        {t('topics.filter.apply')}
      </button>
      {filter !== EVERYTHING && <Button onClick={() => replaceQuery({ filter: null })}>{t('topics.filter.clear')}</Button>}
    </form>
  );
}

/** The rules of MQTT for filters, so that the live stream is never asked for one that it refuses. */
function filterFault(filter: string): string | null {
  const levels = filter.split('/');
  if (levels[0] === '$share' || levels[0] === '$queue') return t('topics.filter.shared');
  const fine = levels.every((level, index) =>
    level.includes('#') ? level === '#' && index === levels.length - 1 : !level.includes('+') || level === '+',
  );
  return fine ? null : t('topics.filter.fault');
}

interface TreeProps {
  filter: string;
  search: string;
  selected: string | null;
  onClearSearch: () => void;
}

function Tree({ filter, search, selected, onClearSearch }: TreeProps) {
  const topics = useView('topics', filter);
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const found = (topics?.items ?? []).filter((topic) =>
    words.every((word) => topic.topic.toLowerCase().includes(word) || topic.payload.toLowerCase().includes(word)),
  );
  return (
    <Panel title={topics === undefined ? t('nav.topics') : tn('topics.count', topics.total, count(topics.total))} class="topic-tree">
      {topics === undefined && <Loading />}
      {topics !== undefined && topics.items.length === 0 && <Empty title={t('topics.none', { filter })} hint={t('topics.none.hint')} />}
      {topics !== undefined && topics.items.length > 0 && found.length === 0 && <NoMatch onClear={onClearSearch} />}
      {found.length > 0 && <TopicRows topics={found} selected={selected} searching={words.length > 0} />}
      {topics !== undefined && topics.total > topics.items.length && (
        <p class="panel-note">{t('topics.more', { shown: count(topics.items.length), total: count(topics.total) })}</p>
      )}
      {topics !== undefined && topics.overflow > 0 && <p class="panel-note">{t('topics.overflow', { count: count(topics.overflow) })}</p>}
    </Panel>
  );
}
