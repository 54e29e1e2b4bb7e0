import type { Fault } from '../api/types.js';
import { count } from '../i18n/format.js';
import { t, tn } from '../i18n/translate.js';
import { StatusShape } from './icons.js';

interface FaultListProps {
  kind: 'errors' | 'warnings';
  faults: readonly Fault[];
  /** How many there are in all. */
  total: number;
}

/** Everything that is wrong, each with its place and what to do. */
export function FaultList({ kind, faults, total }: FaultListProps) {
  if (faults.length === 0) return null;
  return (
    <section class={`faults faults-${kind}`} {...(kind === 'errors' ? { role: 'alert' } : {})}>
      <p class="faults-title">
        <StatusShape kind={kind === 'errors' ? 'failure' : 'spec'} />
        {tn(`faults.${kind}`, total, count(total))}
      </p>
      <ul>
        {faults.map((fault, index) => (
          <li key={`${index}:${fault.message}`}>
            <p>
              <strong>{placeOf(fault)}</strong> {fault.message}
            </p>
            {fault.hint !== undefined && <p class="secondary">{fault.hint}</p>}
          </li>
        ))}
      </ul>
      {total > faults.length && <p class="secondary">{t('tagList.more', { count: count(total - faults.length) })}</p>}
    </section>
  );
}

/** `Row 3, column type` of a list; line of another file. */
function placeOf({ where }: Fault): string {
  const { file, line, subject } = where ?? {};
  if (subject !== undefined && /^row \d/.test(subject)) return `${subject[0]?.toUpperCase()}${subject.slice(1)}:`;
  // Of a JSON that was imported.
  if (line === undefined) return subject === undefined ? '' : `${subject}:`;
  if (file === undefined) return '';
  return `${t('faults.line', { file: file.split('/').at(-1) ?? '', line })}:`;
}
