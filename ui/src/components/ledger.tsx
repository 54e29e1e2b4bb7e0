import type { LedgerStatus } from '../api/types.js';
import { count } from '../i18n/format.js';
import { t, tWord } from '../i18n/translate.js';
import { Status } from './status.js';

/** The books of a bridge: every accepted message is delivered, dropped for a reason, or waits. */
export function Ledger({ ledger }: { ledger: LedgerStatus }) {
  const reasons = Object.entries(ledger.dropped).filter(([, dropped]) => dropped > 0);
  const dropped = reasons.reduce((sum, [, each]) => sum + each, 0);
  return (
    <div>
      <h3>{t('ledger.title')}</h3>
      <table class="ledger">
        <tbody>
          <Line sign="" name={t('ledger.accepted')} value={ledger.accepted} />
          <Line sign="−" name={t('ledger.delivered')} value={ledger.delivered} />
          <Line sign="−" name={t('ledger.dropped')} value={dropped} />
          {reasons.map(([reason, each]) => (
            <tr key={reason} class="secondary">
              <td />
              <th scope="row">{t('ledger.reason', { reason: tWord('dropReason', reason), count: count(each) })}</th>
              <td />
            </tr>
          ))}
          <Line sign="−" name={t('ledger.waiting')} value={ledger.waiting} />
          <tr class="ledger-sum">
            <td>=</td>
            <th scope="row">
              {t('ledger.difference')}{' '}
              {ledger.difference === 0 ? (
                <Status kind="good" word={t('ledger.balances')} />
              ) : (
                <Status kind="failure" word={t('ledger.fault')} />
              )}
            </th>
            <td class="number">{count(ledger.difference)}</td>
          </tr>
        </tbody>
      </table>
    </div>
  );
}

function Line({ sign, name, value }: { sign: string; name: string; value: number }) {
  return (
    <tr>
      <td>{sign}</td>
      <th scope="row">{name}</th>
      <td class="number">{count(value)}</td>
    </tr>
  );
}
