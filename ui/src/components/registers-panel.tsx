import { useEffect, useState } from 'preact/hooks';
import { readRegisters } from '../api/calls.js';
import type { Area, Explored, ExploredPlace, TagJson } from '../api/types.js';
import { clockTime } from '../i18n/format.js';
import { t } from '../i18n/translate.js';
import { tagLines } from '../state/tag-lines.js';
import { say } from '../state/toasts.js';
import { Panel, TableBox } from './basics.js';
import { Button, ErrorNote, Field, Submit, useAction } from './forms.js';
import { Select } from './select.js';

const AREAS: readonly Area[] = ['holding', 'input', 'coil', 'discrete'];
const AGAIN_MS = 1000;

interface Chosen {
  type: string;
  order: string | null;
}

/** Reads any range and shows what it could mean, in every type and order. */
export function RegistersPanel({ bus, unit: firstUnit }: { bus: string; unit: number }) {
  const [unit, setUnit] = useState(String(firstUnit));
  const [area, setArea] = useState<Area>('holding');
  const [address, setAddress] = useState('0');
  const [count, setCount] = useState('10');
  const [every, setEvery] = useState(false);
  const [answer, setAnswer] = useState<{ asked: string; explored: Explored } | null>(null);
  const [selected, setSelected] = useState<number | null>(null);
  const [chosen, setChosen] = useState<Chosen | null>(null);
  const most = area === 'coil' || area === 'discrete' ? 2000 : 125;
  const numbers = [numberIn(unit, 0, 255), numberIn(address, 0, 65535), numberIn(count, 1, most)] as const;
  const asks = [area, ...numbers].join(' ');
  // What was read of another unit or place is not left beside what is asked for now.
  const result = answer !== null && answer.asked === asks ? answer.explored : null;
  const action = useAction(async () => {
    const [of, first, many] = numbers;
    if (of === null || first === null || many === null) return;
    const explored = await readRegisters(bus, of, area, first, many);
    setAnswer({ asked: asks, explored });
    setSelected((now) => (explored.places.some((place) => place.address === now) ? now : (explored.places[0]?.address ?? null)));
  });
  const isComplete = numbers.every((value) => value !== null);
  useEffect(() => {
    if (!every || !isComplete) return;
    const timer = setInterval(() => action.start(), AGAIN_MS);
    return () => clearInterval(timer);
  }, [every, unit, area, address, count]);
  const fault = (value: number | null, min: number, max: number) => (value === null ? t('registers.bounds', { min, max }) : null);
  const place = result?.places.find((each) => each.address === selected);
  return (
    <>
      <Panel title={t('registers.title')}>
        <form
          class="tool-form"
          onSubmit={(event) => {
            event.preventDefault();
            if (isComplete) action.start();
          }}
        >
          <Field label={t('registers.unit')} value={unit} onInput={setUnit} inputMode="numeric" fault={fault(numbers[0], 0, 255)} />
          <Select
            label={t('registers.area')}
            value={area}
            onChange={setArea}
            options={AREAS.map((value) => ({ value, label: t(`area.${value}`) }))}
          />
          <Field
            label={t('registers.address')}
            value={address}
            onInput={setAddress}
            inputMode="numeric"
            fault={fault(numbers[1], 0, 65535)}
          />
          <Field label={t('registers.count')} value={count} onInput={setCount} inputMode="numeric" fault={fault(numbers[2], 1, most)} />
          <div class="tool-go">
            <Submit busy={action.busy && !every} busyLabel={t('registers.reading')}>
              {t('registers.read')}
            </Submit>
            <label class="check">
              <input type="checkbox" checked={every} onChange={(event) => setEvery(event.currentTarget.checked)} />
              {t('registers.every')}
            </label>
          </div>
        </form>
        {action.error !== null && <ErrorNote error={action.error} />}
        {result !== null && <p class="secondary tool-note">{t('registers.choose')}</p>}
      </Panel>
      {result !== null && (
        <div class={action.error === null ? 'explored' : 'explored outdated'}>
          <Places result={result} selected={selected} onSelect={setSelected} />
          <div>
            {place !== undefined && result.text !== null && <Meanings result={result} place={place} chosen={chosen} onChoose={setChosen} />}
            {place !== undefined && (result.text === null || chosen !== null) && (
              <TagLines result={result} place={place} chosen={result.text === null ? { type: 'bool', order: null } : chosen!} />
            )}
          </div>
        </div>
      )}
    </>
  );
}

/** null: no whole number within the limits. */
function numberIn(text: string, min: number, max: number): number | null {
  const value = /^\s*(0x[0-9a-f]+|[0-9]+)\s*$/i.test(text) ? Number(text) : Number.NaN;
  return value >= min && value <= max ? value : null;
}

function Places({ result, selected, onSelect }: { result: Explored; selected: number | null; onSelect: (address: number) => void }) {
  const isBits = result.text === null;
  const title = t('registers.of', { area: t(`area.${result.area}`), unit: result.unit, time: clockTime(result.at) });
  return (
    <Panel title={title}>
      <TableBox label={t(`area.${result.area}`)}>
        <thead>
          <tr>
            <th>{t('registers.place')}</th>
            <th class="number">{isBits ? t('registers.value') : t('registers.hex')}</th>
            {!isBits && <th class="number">uint16</th>}
            {!isBits && <th class="number">int16</th>}
            {!isBits && <th class="number">float32</th>}
            {!isBits && <th class="number wide">{t('registers.bits')}</th>}
          </tr>
        </thead>
        <tbody>
          {result.places.map((place) => (
            <tr key={place.address} class={place.address === selected ? 'selected' : ''}>
              <td>
                <button type="button" class="link-button" aria-pressed={place.address === selected} onClick={() => onSelect(place.address)}>
                  {place.address}
                </button>{' '}
                <span class="secondary">{place.modicon}</span>
              </td>
              <td class="number mono">{isBits ? place.raw : place.raw.toString(16).padStart(4, '0')}</td>
              {!isBits && <td class="number">{place.raw}</td>}
              {!isBits && <td class="number">{shown(place.values.int16?.[0])}</td>}
              {!isBits && <td class="number">{shown(place.values.float32?.[0])}</td>}
              {!isBits && <td class="number mono wide">{place.raw.toString(2).padStart(16, '0')}</td>}
            </tr>
          ))}
        </tbody>
      </TableBox>
      {result.text !== null && (
        <p class="explored-text">
          <span class="secondary">{t('registers.text')}</span> <span class="mono">{result.text.AB}</span> <span class="secondary">BA</span>{' '}
          <span class="mono">{result.text.BA}</span>
        </p>
      )}
    </Panel>
  );
}

interface MeaningsProps {
  result: Explored;
  place: ExploredPlace;
  chosen: Chosen | null;
  onChoose: (chosen: Chosen) => void;
}

function Meanings({ result, place, chosen, onChoose }: MeaningsProps) {
  const title = t('registers.meanings', { address: `${place.address} (${place.modicon})` });
  return (
    <Panel title={title}>
      {(['1', '2', '4'] as const).map((length) => {
        const orders = result.orders[length];
        const types = Object.keys(place.values).filter((type) => lengthOf(type) === length);
        if (types.length === 0) return null;
        return (
          <TableBox key={length} label={`${title}, ${orders.join(', ')}`}>
            <thead>
              <tr>
                <th>{t('registers.order')}</th>
                {types.map((type) => (
                  <th key={type} class="number">
                    {type}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {orders.map((order, index) => (
                <tr key={order}>
                  <td>{order}</td>
                  {types.map((type) => (
                    <Meaning key={type} type={type} order={order} value={place.values[type]?.[index]} chosen={chosen} onChoose={onChoose} />
                  ))}
                </tr>
              ))}
            </tbody>
          </TableBox>
        );
      })}
    </Panel>
  );
}

interface MeaningProps {
  type: string;
  order: string;
  value: TagJson | undefined;
  chosen: Chosen | null;
  onChoose: (chosen: Chosen) => void;
}

function Meaning({ type, order, value, chosen, onChoose }: MeaningProps) {
  const isChosen = chosen?.type === type && chosen.order === order;
  if (value === null || value === undefined) return <td class="number">{t('value.none')}</td>;
  return (
    <td class={isChosen ? 'number chosen' : 'number'}>
      <button
        type="button"
        class="link-button"
        aria-pressed={isChosen}
        aria-label={`${type} ${order}: ${shown(value)}`}
        onClick={() => onChoose({ type, order })}
      >
        {shown(value)}
      </button>
    </td>
  );
}

function lengthOf(type: string): '1' | '2' | '4' {
  return type.endsWith('64') ? '4' : type.endsWith('32') ? '2' : '1';
}

/** Values that are wildly large or small are shortened: they are hardly what was looked for. */
function shown(value: TagJson | undefined): string {
  if (value === null || value === undefined) return t('value.none');
  if (typeof value !== 'number' || Number.isInteger(value)) return String(value);
  return String(value).length > 12 ? value.toPrecision(7) : String(value);
}

function TagLines({ result, place, chosen }: { result: Explored; place: ExploredPlace; chosen: Chosen }) {
  const { yaml, csv } = tagLines({ area: result.area, address: place.address, name: `r${place.modicon}`, ...chosen });
  const copy = (text: string) => void navigator.clipboard.writeText(text).then(() => say(t('registers.copied')));
  return (
    <Panel title={t('registers.tag')}>
      {[
        { label: t('registers.yaml'), text: yaml },
        { label: t('registers.csv'), text: csv },
      ].map(({ label, text }) => (
        <div key={label} class="tag-line">
          <span class="secondary">{label}</span>
          <pre class="mono">{text}</pre>
          <Button small label={`${t('registers.copy')}: ${label}`} onClick={() => copy(text)}>
            {t('registers.copy')}
          </Button>
        </div>
      ))}
    </Panel>
  );
}
