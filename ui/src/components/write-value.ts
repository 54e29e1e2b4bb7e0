import type { TagJson, TagStatus } from '../api/types.js';
import { t } from '../i18n/translate.js';

export type ValueKind = 'switch' | 'number' | 'text';

export function kindOf(tag: Pick<TagStatus, 'type' | 'value'>): ValueKind {
  if (tag.type === 'bool' || typeof tag.value === 'boolean') return 'switch';
  if (typeof tag.value === 'number' || (tag.value === null && /^(u?int|float)/.test(tag.type))) return 'number';
  return 'text';
}

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
      const value = Number(trimmed.replace(',', '.'));
      return Number.isFinite(value) ? { value } : { fault: t('write.notNumber') };
    }
  }
}
