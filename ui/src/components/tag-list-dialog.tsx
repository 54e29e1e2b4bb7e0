import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { getTagList, previewTagList, putTagList } from '../api/calls.js';
import type { ImportFacts, TagListPreview } from '../api/types.js';
import { count } from '../i18n/format.js';
import { t, tn } from '../i18n/translate.js';
import { entryWith, givenListOf } from '../state/given-list.js';
import { may } from '../state/session.js';
import { say } from '../state/toasts.js';
import { TableBox } from './basics.js';
import { Dialog } from './dialog.js';
import { download } from './download.js';
import { FaultList } from './fault-list.js';
import { Button, ErrorNote, Submit, useAction } from './forms.js';
import { ImportNotes, ListInput } from './list-input.js';

/** Takes the tags of a Modbus device out as CSV, and in. */
export function TagListActions({ device }: { device: string }) {
  const [importing, setImporting] = useState(false);
  const work = useAction(async () => {
    const { file, csv } = await getTagList(device);
    download(file ?? `${device}.csv`, csv);
  });
  return (
    <>
      <Button onClick={() => work.start()}>{t('tagList.export')}</Button>
      {may('administrator') && <Button onClick={() => setImporting(true)}>{t('tagList.import')}</Button>}
      {work.error !== null && <ErrorNote error={work.error} />}
      {importing && <TagListDialog device={device} onClose={() => setImporting(false)} />}
    </>
  );
}

/** Replaces the tags of a device, in two steps: see what would change, then apply it. */
function TagListDialog({ device, onClose }: { device: string; onClose: () => void }) {
  const [entry, setEntry] = useState(() => entryWith(''));
  const [missing, setMissing] = useState(false);
  const [preview, setPreview] = useState<TagListPreview | null>(null);
  // Of the text, whatever was chosen of it.
  const [facts, setFacts] = useState<ImportFacts | null>(null);
  const list = givenListOf(entry);
  const look = useAction(async () => {
    const found = await previewTagList(device, list);
    setPreview(found);
    setFacts(found.imported);
  });
  const apply = useAction(async () => {
    const { tags } = await putTagList(device, list);
    say(tn('tagList.done', tags, count(tags)));
    onClose();
  });
  const ready = preview !== null && isChange(preview);
  const error = look.error ?? apply.error;
  const submit = (event: Event) => {
    event.preventDefault();
    const isEmpty = entry.text.trim() === '';
    setMissing(isEmpty);
    if (isEmpty) return;
    if (ready) apply.start();
    else look.start();
  };
  return (
    <Dialog title={t('tagList.title', { device })} onClose={onClose} wide>
      <form onSubmit={submit} noValidate>
        <div class="dialog-body">
          <ListInput
            entry={entry}
            facts={facts}
            hint={t('tagList.hint')}
            fault={missing ? t('tagList.empty') : null}
            onChange={(next) => {
              if (next.text !== entry.text || next.format !== entry.format) setFacts(null);
              setEntry(next);
              setMissing(false);
              // What was shown is of another list.
              setPreview(null);
              look.clear();
              apply.clear();
            }}
          />
          {error !== null && <ErrorNote error={error} />}
          {preview !== null && <Changes preview={preview} />}
        </div>
        <footer class="dialog-foot">
          <button type="button" class="button" onClick={onClose}>
            {t('action.cancel')}
          </button>
          {ready ? (
            <Submit busy={apply.busy} busyLabel={t('tagList.applying')}>
              {t('tagList.apply')}
            </Submit>
          ) : (
            <Submit busy={look.busy} busyLabel={t('tagList.previewing')}>
              {t('tagList.preview')}
            </Submit>
          )}
        </footer>
      </form>
    </Dialog>
  );
}

function isChange({ changes, isNew }: TagListPreview): boolean {
  return changes !== null && (isNew || changes.added.count + changes.changed.count + changes.removed.count > 0);
}

function Changes({ preview }: { preview: TagListPreview }) {
  const { changes, isNew, file, errors, errorCount, warnings } = preview;
  return (
    <section class="list-changes" aria-label={t('tagList.changes')}>
      <FaultList kind="errors" faults={errors} total={errorCount} />
      <ImportNotes facts={preview.imported} />
      {changes !== null && (
        <>
          <p class="list-counts" role="status">
            {isChange(preview) ? (
              <>
                <strong>{t('tagList.added', { count: count(changes.added.count) })}</strong>
                <strong>{t('tagList.changed', { count: count(changes.changed.count) })}</strong>
                <strong>{t('tagList.removed', { count: count(changes.removed.count) })}</strong>
                <span class="secondary">{t('tagList.after', { count: count(changes.tags) })}</span>
              </>
            ) : (
              t('tagList.same')
            )}
          </p>
          {isNew && <p>{t('tagList.isNew', { file })}</p>}
          <Names title={t('tagList.part.removed')} sign="−" some={changes.removed} />
          <Names title={t('tagList.part.added')} sign="+" some={changes.added} />
          <Changed some={changes.changed} />
        </>
      )}
      <FaultList kind="warnings" faults={warnings} total={warnings.length} />
    </section>
  );
}

type Some<T> = { count: number; items: T[] };

function Names({ title, sign, some }: { title: string; sign: string; some: Some<string> }) {
  if (some.count === 0) return null;
  return (
    <Part title={title} some={some}>
      <ul class="list-names mono">
        {some.items.map((name) => (
          <li key={name}>
            <span aria-hidden="true">{sign} </span>
            {name}
          </li>
        ))}
      </ul>
    </Part>
  );
}

function Changed({ some }: { some: NonNullable<TagListPreview['changes']>['changed'] }) {
  if (some.count === 0) return null;
  const title = t('tagList.part.changed');
  return (
    <Part title={title} some={some}>
      <TableBox label={title}>
        <thead>
          <tr>
            <th>{t('tagList.tag')}</th>
            <th>{t('tagList.key')}</th>
            <th>{t('tagList.from')}</th>
            <th class="fill">{t('tagList.to')}</th>
          </tr>
        </thead>
        <tbody>
          {some.items.flatMap(({ name, keys }) =>
            keys.map(({ key, from, to }, index) => (
              <tr key={`${name}:${key}`}>
                <td class="mono">{index === 0 ? name : ''}</td>
                <td>{key}</td>
                <td class="mono">{from ?? t('value.none')}</td>
                <td class="fill mono">{to ?? t('value.none')}</td>
              </tr>
            )),
          )}
        </tbody>
      </TableBox>
    </Part>
  );
}

function Part({ title, some, children }: { title: string; some: Some<unknown>; children: ComponentChildren }) {
  return (
    <div class="list-part">
      <h3>{title}</h3>
      {children}
      {some.count > some.items.length && <p class="secondary">{t('tagList.more', { count: count(some.count - some.items.length) })}</p>}
    </div>
  );
}
