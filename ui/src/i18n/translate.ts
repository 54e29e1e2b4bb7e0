import { en, type MessageKey } from './en.js';

type Params = Record<string, string | number>;

/** A language: all messages, and how it counts. `zh` is to be `Record<MessageKey, string>` too. */
interface Language {
  /** BCP 47: for numbers and plural forms. */
  tag: string;
  messages: Record<MessageKey, string>;
}

const language: Language = { tag: 'en', messages: en };
const plurals = new Intl.PluralRules(language.tag);

export const languageTag = language.tag;

/** The message in the language of the console; `{name}` stands for a parameter. */
export function t(key: MessageKey, params: Params = {}): string {
  return language.messages[key].replaceAll(/\{(\w+)\}/g, (whole, name: string) => String(params[name] ?? whole));
}

type PluralStem<K extends string> = K extends `${infer Stem}.other` ? Stem : never;

/** A message that depends on a number: `stem.one` or `stem.other`, with `{count}`. */
export function tn(stem: PluralStem<MessageKey>, count: number, shown: string = String(count)): string {
  const one = `${stem}.one` as MessageKey;
  const key = plurals.select(count) === 'one' && one in language.messages ? one : (`${stem}.other` as MessageKey);
  return t(key, { count: shown });
}

/** The message for a word of the API where there is one, otherwise the word itself. */
export function tWord(prefix: string, word: string): string {
  const key = `${prefix}.${word}`;
  return key in language.messages ? t(key as MessageKey) : word;
}
