import { useEffect, useState } from 'preact/hooks';
import { previewRemoval, type Removable, remove } from '../api/calls.js';
import type { Reference, RemovalPreview } from '../api/types.js';
import { count } from '../i18n/format.js';
import { t, tn } from '../i18n/translate.js';
import { navigate } from '../router.js';
import { may } from '../state/session.js';
import { say } from '../state/toasts.js';
import { useLoaded } from '../state/use-loaded.js';
import { Loading } from './basics.js';
import { Dialog } from './dialog.js';
import { FaultList } from './fault-list.js';
import { Button, ErrorNote, Submit, useAction } from './forms.js';
import { LinesDiff } from './lines-diff.js';

/** Removes a device or a bus. `then`: the page to go to when it is gone. */
export function RemoveButton({ what, then }: { what: Removable; then: string }) {
  const [open, setOpen] = useState(false);
  if (!may('administrator')) return null;
  return (
    <>
      <Button danger onClick={() => setOpen(true)}>
        {t(`remove.${what.kind}`)}
      </Button>
      {open && <RemovalDialog what={what} then={then} onClose={() => setOpen(false)} />}
    </>
  );
}

interface RemovalDialogProps {
  what: Removable;
  then: string;
  onClose: () => void;
}

/** Says what goes and what names it before it does. */
function RemovalDialog({ what, then, onClose }: RemovalDialogProps) {
  const { kind, name } = what;
  // null: it goes, too, unless something else uses it.
  const [withBus, setWithBus] = useState<boolean | null>(null);
  const { data, error } = useLoaded(() => previewRemoval(what, withBus === true), String(withBus));
  const isFree = data !== null && data.bus.devices.length + data.bus.proxies.length === 0;
  useEffect(() => {
    if (withBus === null && data !== null) setWithBus(kind === 'device' && isFree);
  }, [data]);
  const isShown = data !== null && withBus !== null && (kind === 'bus' || data.bus.isRemoved === withBus);
  const work = useAction(async () => {
    if (!isShown) return;
    await remove(what, withBus);
    say(t(`remove.done.${kind}`, { name }));
    onClose();
    navigate(then);
  });
  const failed = work.error ?? error;
  return (
    <Dialog title={t(`remove.title.${kind}`, { name })} onClose={onClose} wide>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          work.start();
        }}
      >
        <div class="dialog-body">
          {data === null && error === null && <Loading />}
          {data !== null && kind === 'device' && data.errorCount === 0 && <Goes preview={data} name={name} />}
          {data !== null && kind === 'device' && isFree && (
            <label class="check">
              <input type="checkbox" checked={withBus === true} onChange={(event) => setWithBus(event.currentTarget.checked)} />
              {t('remove.bus.free', { name: data.bus.name })}
            </label>
          )}
          {isShown && <Outlook preview={data} />}
          {failed !== null && <ErrorNote error={failed} />}
        </div>
        <footer class="dialog-foot">
          <button type="button" class="button" onClick={onClose}>
            {t('action.cancel')}
          </button>
          {isShown && data.errorCount === 0 && (
            <Submit busy={work.busy} busyLabel={t('remove.busy')} danger>
              {t(`remove.${kind}`)}
            </Submit>
          )}
        </footer>
      </form>
    </Dialog>
  );
}

function Goes({ preview: { tags, bus, list }, name }: { preview: RemovalPreview; name: string }) {
  const users = [...bus.devices, ...bus.proxies];
  return (
    <div>
      <p>{t('remove.goes')}</p>
      <ul class="destroyed">
        <li>{tags === null ? t('remove.goes.raw') : tn('remove.goes.tags', tags, count(tags))}</li>
        <li>{t('remove.goes.retained', { name })}</li>
      </ul>
      {users.length > 0 && <p>{t('remove.bus.used', { name: bus.name, users: users.join(', ') })}</p>}
      {list !== null && <p>{t('remove.list', { file: list })}</p>}
    </div>
  );
}

/** Why it is refused, or what is left behind. */
function Outlook({ preview }: { preview: RemovalPreview }) {
  const { file, changes, errors, errorCount, references } = preview;
  const title = t('remove.lines', { file });
  return (
    <>
      {errorCount > 0 && <p>{t('remove.refused')}</p>}
      <FaultList kind="errors" faults={errors} total={errorCount} />
      {references.count > 0 && <References references={references} isRefused={errorCount > 0} />}
      {errorCount === 0 && (
        <div class="list-part">
          <h3>{title}</h3>
          {changes.map(({ line, removed, added }) => (
            <LinesDiff key={line} label={t('addDevice.lines', { file, line })} removed={removed} added={added} />
          ))}
        </div>
      )}
    </>
  );
}

function References({ references, isRefused }: { references: RemovalPreview['references']; isRefused: boolean }) {
  const title = t('remove.references');
  return (
    <div class="list-part">
      <h3>{title}</h3>
      <ul class="references" aria-label={title}>
        {references.items.map(({ kind, name, by }: Reference) => (
          <li key={`${kind} ${name} ${by}`}>
            {t(`remove.kind.${kind}`, { name })} <span class="mono">{by}</span>
          </li>
        ))}
      </ul>
      {references.count > references.items.length && (
        <p class="secondary">{t('tagList.more', { count: count(references.count - references.items.length) })}</p>
      )}
      {!isRefused && <p class="secondary">{t('remove.references.stay')}</p>}
    </div>
  );
}
