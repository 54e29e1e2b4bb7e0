import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef } from 'preact/hooks';
import { t } from '../i18n/translate.js';
import { say } from '../state/toasts.js';
import { ErrorNote, Submit, useAction } from './forms.js';
import { Icon } from './icons.js';

/** A modal dialog: the browser keeps the focus in it, Escape closes it, and the focus returns to where it was. */
export function Dialog(props: { title: string; onClose: () => void /** For tables. */; wide?: boolean; children: ComponentChildren }) {
  const { title, onClose, wide = false, children } = props;
  const id = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const opener = document.activeElement;
    const element = dialog.current;
    element?.showModal();
    return () => {
      // While it is open nothing else can have the focus.
      element?.close();
      if (opener instanceof HTMLElement) opener.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      class={wide ? 'wide-dialog' : ''}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <header class="dialog-head">
        <h2 id={id}>{title}</h2>
        <button type="button" class="icon-button" aria-label={t('action.close')} onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      {children}
    </dialog>
  );
}

interface ConfirmProps {
  title: string;
  /** What will happen; names what is destroyed. */
  children: ComponentChildren;
  action: string;
  busy: string;
  danger?: boolean;
  run: () => Promise<unknown>;
  /** Said when it is done. */
  done: string;
  onClose: () => void;
}

/** Asks before something is done, shows that it runs, and stays with the error where it fails. */
export function Confirm({ title, children, action, busy, danger = false, run, done, onClose }: ConfirmProps) {
  const work = useAction(async () => {
    await run();
    say(done);
    onClose();
  });
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          work.start();
        }}
      >
        <div class="dialog-body">
          {children}
          {work.error !== null && <ErrorNote error={work.error} />}
        </div>
        <footer class="dialog-foot">
          <button type="button" class="button" onClick={onClose}>
            {t('action.cancel')}
          </button>
          <Submit busy={work.busy} busyLabel={busy} danger={danger}>
            {action}
          </Submit>
        </footer>
      </form>
    </Dialog>
  );
}
