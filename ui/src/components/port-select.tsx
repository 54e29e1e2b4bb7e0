import { useEffect } from 'preact/hooks';
import { getSerialPorts } from '../api/calls.js';
import { t } from '../i18n/translate.js';
import { useLoaded } from '../state/use-loaded.js';
import { Field } from './forms.js';
import { Select } from './select.js';

/** A serial port of the gateway: one of those that there are; where none is, its name. */
export function PortSelect({ value, onChange }: { value: string; onChange: (port: string) => void }) {
  const { data } = useLoaded(getSerialPorts);
  const free = (data ?? []).filter((each) => !each.isConsole);
  const first = free.find((each) => each.isAllowed && each.users.length === 0) ?? free[0];
  useEffect(() => {
    if (value === '' && first !== undefined) onChange(first.name);
  }, [value, first?.name]);
  if (free.length === 0) return <Field label={t('find.port')} value={value} onInput={onChange} mono />;
  const options = free.map(({ name, path }) => ({ value: name, label: name === path ? path : `${path} (${name.split('/').at(-1)})` }));
  const known = options.some((option) => option.value === value);
  return (
    <Select
      label={t('find.port')}
      value={value}
      onChange={onChange}
      options={known || value === '' ? options : [{ value, label: value }, ...options]}
    />
  );
}
