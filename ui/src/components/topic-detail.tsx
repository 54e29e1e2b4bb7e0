import { useEffect, useState } from 'preact/hooks';
import { getTopic, publish } from '../api/calls.js';
import { type ApiError, asApiError } from '../api/client.js';
import type { Topic } from '../api/types.js';
import { count, perSecond } from '../i18n/format.js';
import { t, tn } from '../i18n/translate.js';
import { useView } from '../state/live.js';
import { may } from '../state/session.js';
import { Ago, Empty, Fact, Facts, Panel } from './basics.js';
import { Confirm } from './dialog.js';
import { Button, ErrorNote, Segments } from './forms.js';
import { type PayloadView, payloadText } from './payload-text.js';

interface TopicDetailProps {
  filter: string;
  topic: string;
  onPublish: (topic: string) => void;
}

export function TopicDetail({ filter, topic: name, onPublish }: TopicDetailProps) {
  const topics = useView('topics', filter);
  const topic = topics?.items.find((each) => each.topic === name);
  const [clearing, setClearing] = useState(false);
  return (
    <Panel
      title={t('topic.title')}
      class="topic-detail"
      {...(may('operator')
        ? {
            actions: (
              <Button small onClick={() => onPublish(name)}>
                {t('topic.publish')}
              </Button>
            ),
          }
        : {})}
    >
      <p class="topic-name mono">{name}</p>
      {topic === undefined ? (
        <Empty title={t('topic.nothing')} hint={t('topic.nothing.hint')} />
      ) : (
        <>
          <Facts>
            <Fact name={t('topic.last')}>{topic.at === null ? t('topic.before') : <Ago at={topic.at} />}</Fact>
            <Fact name={t('topic.rate')}>{perSecond(topic.rate)}</Fact>
            <Fact name={t('topic.count')}>{count(topic.count)}</Fact>
            <Fact name={t('topic.qos')}>{topic.qos}</Fact>
            <Fact name={t('topic.size')}>{tn('unit.bytes', topic.size, count(topic.size))}</Fact>
            <Fact name={t('topic.retained')}>
              {t(topic.retained ? 'value.yes' : 'value.no')}{' '}
              {topic.retained && may('operator') && (
                <Button small danger onClick={() => setClearing(true)}>
                  {t('topic.clear')}
                </Button>
              )}
            </Fact>
          </Facts>
          <Payload key={name} topic={topic} />
        </>
      )}
      {clearing && (
        <Confirm
          title={t('topic.clear.title')}
          action={t('topic.clear')}
          busy={t('topic.clear.busy')}
          danger
          run={() => publish({ topic: name, payload: '', qos: 1, retain: true })}
          done={t('topic.clear.done', { topic: name })}
          onClose={() => setClearing(false)}
        >
          <p>{t('topic.clear.question')}</p>
          <p class="topic-name mono">{name}</p>
        </Confirm>
      )}
    </Panel>
  );
}

function Payload({ topic }: { topic: Topic }) {
  const [view, setView] = useState<PayloadView | null>(null);
  const [more, setMore] = useState<Topic | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  // The stream has only the beginning of a long payload.
  useEffect(() => {
    if (!topic.truncated) return;
    let current = true;
    getTopic(topic.topic).then(
      (loaded) => {
        if (!current) return;
        setMore(loaded);
        setError(null);
      },
      (thrown: unknown) => {
        if (current) setError(asApiError(thrown));
      },
    );
    return () => {
      current = false;
    };
  }, [topic.topic, topic.truncated, topic.count]);
  const shown = topic.truncated && more !== null ? more : topic;
  const chosen = view ?? shown.format;
  return (
    <div class="payload">
      <div class="payload-head">
        <h3>{t('topic.payload')}</h3>
        <Segments
          label={t('topic.view')}
          value={chosen}
          onChange={setView}
          options={[
            { value: 'json', label: t('topic.json') },
            { value: 'text', label: t('topic.text') },
            { value: 'hex', label: t('topic.hex') },
          ]}
        />
      </div>
      {error !== null && <ErrorNote error={error} />}
      {chosen === 'json' && shown.format !== 'json' && <p class="field-hint">{t('topic.noJson')}</p>}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable with the keyboard */}
      <pre class="mono" tabIndex={0}>
        {shown.size === 0 ? t('topic.empty') : payloadText(shown, chosen)}
      </pre>
      {shown.truncated && <p class="field-hint">{t('topic.truncated', { size: count(shown.size) })}</p>}
    </div>
  );
}
