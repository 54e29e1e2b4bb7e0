import { getSerialPorts } from '../api/calls.js';
import type { SerialPortInfo } from '../api/types.js';
import { t } from '../i18n/translate.js';
import { useLoaded } from '../state/use-loaded.js';

/** Why serial ports of the gateway can't be used. */
export function PortNotes() {
  const { data } = useLoaded(getSerialPorts);
  const notes = (data ?? []).flatMap((port) => {
    const reason = reasonOf(port);
    return reason === null ? [] : [{ path: port.path, reason }];
  });
  if (notes.length === 0) return null;
  return (
    <ul class="port-notes secondary" aria-label={t('ports.notes')}>
      {notes.map(({ path, reason }) => (
        <li key={path}>
          <span class="mono">{path}</span>: {reason}
        </li>
      ))}
    </ul>
  );
}

function reasonOf({ isConsole, isAllowed, users }: SerialPortInfo): string | null {
  if (isConsole) return t('ports.console');
  if (!isAllowed) return t('ports.forbidden');
  const [user] = users;
  return user === undefined ? null : t('ports.used', { program: user.program, pid: user.pid });
}
