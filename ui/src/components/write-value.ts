import type { TagJson, TagStatus } from '../api/types.js';
import { t } from '../i18n/translate.js';

export type ValueKind = 'switch' | 'number' | 'text';

export function kindOf(tag: Pick<TagStatus, 'type' | 'value'>): ValueKind {
  if (tag.type === 'bool' || typeof tag.value === 'boolean') return 'switch';
  if (typeof tag.value === 'number' || (tag.value === null && /^(u?int|float)/.test(tag.type))) return 'number';
  return 'text';
}

const DIGITS_OF_A_NUMBER = 15;

/** What a person typed, as a value of the tag; or what is wrong with it. A comma is taken for the decimal point. */
export function parseValue(text: string, kind: ValueKind): { value: TagJson } | { fault: string } {
  const trimmed = text.trim();
  switch (kind) {
    case 'switch':
      return { value: trimmed === 'true' };
    case 'text':
      return { value: text };
    case 'number': {
      if (trimmed === '') return { fault: t('write.missing') };
      if (!/^[-+]?(\d+([.,]\d*)?|[.,]\d+)(e[-+]?\d+)?$/i.test(trimmed)) return { fault: t('write.notNumber') };
      const plain = trimmed.replace(',', '.');
      const value = Number(plain);
      if (!Number.isFinite(value)) return { fault: t('write.notNumber') };
      // A number would lose the digits behind these; the gateway counts with all of a text.
      const digits = plain.replace(/e.*$/i, '').replace(/[-+.]/g, '').replace(/^0+/, '');
      const isKept = digits.length <= DIGITS_OF_A_NUMBER || (/^[-+]?\d+$/.test(plain) && Number.isSafeInteger(value));
      return { value: isKept ? value : plain };
    }
  }
}
