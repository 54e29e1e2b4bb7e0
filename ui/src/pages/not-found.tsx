import { Empty, Link, PageHead } from '../components/basics.js';
import { t } from '../i18n/translate.js';

export function NotFoundPage() {
  return (
    <>
      <PageHead title={t('notFound.title')} />
      <Empty title={t('notFound.text')}>
        <Link href="/">{t('notFound.back')}</Link>
      </Empty>
    </>
  );
}
