import type { RuleStatus } from '../api/types.js';
import { Ago, Empty, Loading, PageHead, TableBox } from '../components/basics.js';
import { RuleState } from '../components/status.js';
import { count, ms } from '../i18n/format.js';
import { t } from '../i18n/translate.js';
import { useView } from '../state/live.js';

export function RulesPage() {
  const rules = useView('rules');
  return (
    <>
      <PageHead title={t('nav.rules')} />
      {rules === undefined && <Loading />}
      {rules !== undefined && rules.items.length === 0 && <Empty title={t('rules.none')} hint={t('rules.none.hint')} />}
      {rules !== undefined && rules.items.length > 0 && <RuleTable rules={rules.items} />}
    </>
  );
}

function RuleTable({ rules }: { rules: RuleStatus[] }) {
  return (
    <TableBox cards label={t('nav.rules')}>
      <thead>
        <tr>
          <th>{t('rules.name')}</th>
          <th>{t('rules.state')}</th>
          <th class="number wide">{t('rules.matched')}</th>
          <th class="number">{t('rules.fired')}</th>
          <th class="number">{t('rules.failed')}</th>
          <th class="number wide">{t('rules.time')}</th>
          <th class="wide">{t('rules.lastFired')}</th>
          <th class="fill">{t('rules.error')}</th>
        </tr>
      </thead>
      <tbody>
        {rules.map((rule) => (
          <tr key={`${rule.file}:${rule.name}`}>
            <td>
              {rule.name}
              <div class="secondary mono">
                {rule.file}:{rule.line}
              </div>
            </td>
            <td data-label={t('rules.state')}>
              <RuleState state={rule.state} />
            </td>
            <td data-label={t('rules.matched')} class="number wide">
              {count(rule.matched)}
            </td>
            <td data-label={t('rules.fired')} class="number">
              {count(rule.fired)}
            </td>
            <td data-label={t('rules.failed')} class="number">
              {count(rule.failed)}
            </td>
            <td data-label={t('rules.time')} class="number wide" title={t('rules.time.meaning')}>
              {rule.matched === 0 ? t('value.none') : ms(rule.timeMs / rule.matched)}
            </td>
            <td data-label={t('rules.lastFired')} class="wide">
              {rule.lastFiredAt === null ? t('rules.never') : <Ago at={rule.lastFiredAt} />}
            </td>
            <td data-label={t('rules.error')} class={rule.error === null && rule.lastError === null ? 'fill none' : 'fill'}>
              <RuleError rule={rule} />
            </td>
          </tr>
        ))}
      </tbody>
    </TableBox>
  );
}

function RuleError({ rule }: { rule: RuleStatus }) {
  if (rule.error !== null) {
    const { message, line, column } = rule.error;
    return (
      <>
        <span class="mono">{`${rule.file}:${line}:${column}`}</span> {message}
        <div class="secondary">{t('rules.error.hint')}</div>
      </>
    );
  }
  return <>{rule.lastError ?? t('value.none')}</>;
}
