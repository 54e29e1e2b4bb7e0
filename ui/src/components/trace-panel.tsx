import { useState } from 'preact/hooks';
import { openTrace } from '../api/client.js';
import type { TracedPacket } from '../api/types.js';
import { t } from '../i18n/translate.js';
import { summaryOf, traceText } from '../state/trace-log.js';
import { useFollowed } from '../state/use-followed.js';
import { FollowedPanel, RowHead } from './followed-panel.js';
import { Segments } from './forms.js';

type Payloads = 'off' | 'on';
/** Bytes of a payload that are shown. */
const PREVIEW = 64;

/** What goes between a client and the broker, packet by packet, as it happens. */
export function TracePanel({ client }: { client: string }) {
  const [payloads, setPayloads] = useState<Payloads>('off');
  const followed = useFollowed<TracedPacket>({
    event: 'packet',
    open: (signal) => openTrace(client, payloads === 'on' ? PREVIEW : 0, signal),
    textOf: traceText,
    copied: t('trace.copied'),
  });
  return (
    <FollowedPanel
      title={t('trace.title')}
      followed={followed}
      words="trace"
      tools={
        <Segments
          label={t('trace.payloads')}
          value={payloads}
          options={[
            { value: 'off', label: t('trace.payloads.off') },
            { value: 'on', label: t('trace.payloads.on') },
          ]}
          onChange={(value) => {
            setPayloads(value);
            followed.stop();
          }}
        />
      }
      rowClass={({ direction }) => `packet-${direction}`}
      row={(packet) => <PacketLine packet={packet} />}
    />
  );
}

function PacketLine({ packet }: { packet: TracedPacket }) {
  const { at, direction, type, payload } = packet;
  return (
    <>
      <RowHead at={at} isToRight={direction === 'in'} way={t(direction === 'in' ? 'trace.in' : 'trace.out')} />
      <span class="packet-type">{type.toUpperCase()}</span>
      <span class="packet-summary mono">{summaryOf(packet)}</span>
      {payload !== undefined && payload !== '' && <span class="packet-payload mono">{payload}</span>}
    </>
  );
}
