import type { DeviceStatus } from '../api/types.js';
import { count } from '../i18n/format.js';
import { t } from '../i18n/translate.js';
import { Ago, Fact, Facts, Panel } from './basics.js';
import { bytesAsText } from './bytes-text.js';

/** What became of the bytes of a serial instrument, and the last frames that could not be used. */
export function FramesPanel({ device: { frames } }: { device: DeviceStatus }) {
  if (frames === undefined) return null;
  const faults = frames.faults.toReversed();
  return (
    <Panel title={t('frames.title')} class="statistics">
      <Facts>
        <Fact name={t('frames.received')}>{count(frames.received)}</Fact>
        <Fact name={t('frames.badChecksum')}>{count(frames.badChecksum)}</Fact>
        <Fact name={t('frames.unreadable')}>{count(frames.unreadable)}</Fact>
        <Fact name={t('frames.tooLong')}>{count(frames.tooLong)}</Fact>
        <Fact name={t('frames.strayBytes')}>{count(frames.strayBytes)}</Fact>
      </Facts>
      {faults.length > 0 && (
        <>
          <h3 class="frame-faults-title">{t('frames.faults')}</h3>
          <ol class="frame-faults">
            {faults.map(({ ts, problem, hex, length }) => (
              <li key={`${ts} ${hex}`}>
                <p>
                  <span>{t('frames.fault', { problem })}</span>
                  <span class="secondary">
                    <Ago at={ts} />
                  </span>
                </p>
                <code title={hex}>
                  {bytesAsText(hex)}
                  {length > hex.length / 2 && ` ${t('frames.more', { count: length - hex.length / 2 })}`}
                </code>
              </li>
            ))}
          </ol>
        </>
      )}
    </Panel>
  );
}
