import { compileRule } from './compile.js';
import type { RuleDocument } from './document.js';
import type { LoadedFile } from './load.js';
import { readRuleFile } from './read.js';
import type { CompiledRule } from './rule.js';

/** Compiles the rules of one file; with one error, none of them is given back. */
export function compileFile(file: string, source: string): LoadedFile {
  const { documents, errors } = readRuleFile(file, source);
  const rules: CompiledRule[] = [];
  const names = new Map<string, RuleDocument>();
  for (const document of documents) {
    const rule = compileRule(document);
    if (rule !== null) rules.push(rule);
    if (document.name !== undefined) {
      const first = names.get(document.name);
      if (first === undefined) names.set(document.name, document);
      else duplicate(document, file, first.line);
    }
    errors.push(...document.errors);
  }
  return { file, source, rules: errors.length > 0 ? [] : rules, errors };
}

function duplicate(document: RuleDocument, file: string, line: number): void {
  document.error(
    'FER_RULES_DUPLICATE',
    `there is a rule of this name at ${file}:${line} already`,
    document.placeOfValue(['rule']),
    'Give one of them another name.',
  );
}
