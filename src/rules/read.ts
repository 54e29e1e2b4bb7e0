import { isMap, isScalar, isSeq, LineCounter, type Node, parseAllDocuments, visit } from 'yaml';
import type { FerruleError } from '../errors.js';
import { RuleDocument } from './document.js';
import { ruleError } from './rule-error.js';
import { positionAt } from './yaml-position.js';

/** Rules of one file. */
const MAX_RULES = 1000;

/**
 * Reads the rules of a file: one or more YAML documents, each a rule or a list of rules. Errors are those of YAML;
 * with one, no rule of the file is given back.
 */
export function readRuleFile(file: string, source: string): { documents: RuleDocument[]; errors: FerruleError[] } {
  const lines = new LineCounter();
  const parsed = parseAllDocuments(source, { lineCounter: lines, prettyErrors: false });
  const documents: RuleDocument[] = [];
  const errors: FerruleError[] = [];
  const fail = (message: string, offset: number, hint?: string): void => {
    errors.push(
      ruleError('FER_RULES_FILE', message, {
        where: { file, ...positionAt(lines, offset) },
        ...(hint === undefined ? {} : { hint }),
      }),
    );
  };
  for (const document of Array.isArray(parsed) ? parsed : []) {
    for (const error of document.errors) fail(`not valid YAML: ${firstLine(error.message)}`, error.pos[0], yamlHint(source, error.pos[0]));
    refuseTags(document.contents, source, fail);
    const root = document.contents as Node | null;
    if (errors.length > 0 || root === null || (isScalar(root) && root.value === null)) continue;
    let data: unknown;
    try {
      data = document.toJS({ maxAliasCount: 100 });
    } catch (error) {
      fail(`not valid YAML: ${firstLine(error instanceof Error ? error.message : String(error))}`, root.range?.[0] ?? 0);
      continue;
    }
    if (isSeq(root) && Array.isArray(data)) {
      root.items.forEach((item, index) => {
        documents.push(new RuleDocument(file, source, lines, item as Node, (data as unknown[])[index]));
      });
    } else if (isMap(root)) documents.push(new RuleDocument(file, source, lines, root, data));
    else fail('a rule file holds a rule, or a list of rules', root.range?.[0] ?? 0, 'A rule begins with "rule: its-name".');
  }
  if (documents.length > MAX_RULES) fail(`the file holds ${documents.length} rules; at most ${MAX_RULES} are read`, 0, 'Split the file.');
  return { documents: errors.length > 0 ? [] : documents, errors };
}

/** `when: !payload.run` is a tag to YAML and would be read as an empty text. */
function refuseTags(contents: unknown, source: string, fail: (message: string, offset: number, hint?: string) => void): void {
  if (contents === null || contents === undefined) return;
  visit(contents as Node, {
    Node(_key, node) {
      const tag = (node as { tag?: string }).tag;
      if (tag?.startsWith('!') === true && node.range !== undefined && node.range !== null) {
        fail(
          `${JSON.stringify(tag)} is a tag to YAML`,
          Math.max(0, source.lastIndexOf(tag, node.range[0])),
          'Put an expression that begins with ! between quotes.',
        );
      }
    },
  });
}

function yamlHint(source: string, offset: number): string | undefined {
  return source.charAt(offset) === '{' || source.charAt(offset) === '`' || source.charAt(offset) === '%'
    ? 'Put a text that begins with this character between quotes.'
    : undefined;
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0]?.replace(/:$/, '') ?? text;
}
