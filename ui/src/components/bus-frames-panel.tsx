import { useEffect, useState } from 'preact/hooks';
import { openFrames } from '../api/client.js';
import type { MonitorFrame } from '../api/types.js';
import { ms } from '../i18n/format.js';
import { t } from '../i18n/translate.js';
import { framesText, meaningOf, printable, spaced } from '../state/frame-text.js';
import { useFollowed } from '../state/use-followed.js';
import { FollowedPanel, RowHead } from './followed-panel.js';
import { Segments } from './forms.js';
import { Status } from './status.js';

type Bytes = 'off' | 'on';

/** What goes over a bus, frame by frame, as it happens; of a serial line the bytes. */
export function FramesPanel({ bus, serial, children }: { bus: string; serial: boolean; children?: preact.ComponentChildren }) {
  const [bytes, setBytes] = useState<Bytes>('off');
  const followed = useFollowed<MonitorFrame>({
    event: 'frame',
    open: (signal) => openFrames(bus, signal),
    textOf: framesText,
    copied: t('busFrames.copied'),
  });
  // Who opens this wants to see what goes on.
  useEffect(followed.start, [bus]);
  return (
    <FollowedPanel
      title={t(serial ? 'bus.terminal' : 'busFrames.title')}
      followed={followed}
      words="busFrames"
      tools={
        !serial && (
          <Segments
            label={t('busFrames.bytes')}
            value={bytes}
            options={[
              { value: 'off', label: t('busFrames.bytes.off') },
              { value: 'on', label: t('busFrames.bytes.on') },
            ]}
            onChange={setBytes}
          />
        )
      }
      class="frames"
      rowClass={({ direction }) => `frame frame-${direction}`}
      row={(frame) => <FrameLine frame={frame} bytes={serial || bytes === 'on'} />}
    >
      {children}
    </FollowedPanel>
  );
}

function FrameLine({ frame, bytes }: { frame: MonitorFrame; bytes: boolean }) {
  const { at, direction, unit, exception, error, tookMs } = frame;
  const meaning = meaningOf(frame);
  const hasMeaning = meaning !== '';
  return (
    <>
      <RowHead at={at} isToRight={direction === 'out'} way={t(direction === 'in' ? 'busFrames.in' : 'busFrames.out')} />
      <span class="packet-type">{unit === null ? '' : t('busFrames.unit', { unit })}</span>
      <span class="frame-what">
        {error !== null && (
          <Status kind={error === 'timeout' || error === 'crc' ? 'failure' : 'spec'} word={t(`busFrames.error.${error}`)} />
        )}
        {exception !== null && <Status kind="spec" word={t('busFrames.exception', { code: exception.code, text: exception.text })} />}
        {hasMeaning && <span class="mono">{meaning}</span>}
        {!hasMeaning && frame.bytes !== '' && <span class="mono frame-text">{printable(frame.bytes)}</span>}
      </span>
      <span class="frame-took">{tookMs === null ? '' : ms(tookMs)}</span>
      {frame.bytes !== '' && (bytes || !hasMeaning) && <span class="packet-payload mono frame-bytes">{spaced(frame.bytes)}</span>}
    </>
  );
}
