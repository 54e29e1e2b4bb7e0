import type { NewDevicePreview } from '../api/types.js';
import { count } from '../i18n/format.js';
import { t, tn } from '../i18n/translate.js';
import { FaultList } from './fault-list.js';
import { LinesDiff } from './lines-diff.js';
import { ImportNotes } from './list-input.js';

/** What adding a device would write, and what is wrong with it. */
export function NewDevicePreviewPart({ preview }: { preview: NewDevicePreview }) {
  const { file, line, removed, added, list, tags, errors, errorCount, warnings } = preview;
  const title = t('addDevice.lines', { file, line });
  return (
    <div class="list-changes">
      <FaultList kind="errors" faults={errors} total={errorCount} />
      <FaultList kind="warnings" faults={warnings} total={warnings.length} />
      <ImportNotes facts={preview.imported} />
      <p role="status">
        <strong>{title}</strong>{' '}
        {[tags === null ? null : tn('addDevice.willHave', tags, count(tags)), list === null ? null : t('addDevice.list', { file: list })]
          .filter((text) => text !== null)
          .join(', ')}
      </p>
      <LinesDiff label={title} removed={removed} added={added} />
    </div>
  );
}
