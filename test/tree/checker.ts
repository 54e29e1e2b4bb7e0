import { posix } from 'node:path';
import { type Import, importsOf } from './imports.js';
import { PACKAGE_RULES, PART_RULES, type PartRule, RESERVED, WRITER_ONLY } from './rules.js';

/** Path under src/ -> content. */
export type Sources = Map<string, string>;

export interface Violation {
  /** `store/batch.ts:12`. */
  place: string;
  /** What stands there, and the rule it breaks. */
  text: string;
}

/** One import from one file of ours to another; names without extension. */
interface Edge {
  from: string;
  to: string;
  place: string;
  import: Import;
}

export function checkImports(sources: Sources): Violation[] {
  const violations: Violation[] = [];
  const edges: Edge[] = [];
  const packages: Edge[] = [];
  const files = new Set([...sources.keys()].map(nameOf));
  for (const [path, source] of sources) {
    for (const seen of importsOf(source)) {
      const place = `${path}:${seen.line}`;
      if (seen.specifier === null) violations.push({ place, text: 'imports something computed; the specifier must be a literal' });
      else if (seen.specifier.startsWith('.')) {
        const to = nameOf(posix.join(posix.dirname(path), seen.specifier));
        if (files.has(to)) edges.push({ from: nameOf(path), to, place, import: seen });
        else if (seen.kind !== 'url') violations.push({ place, text: `imports ${seen.specifier}, which is no file under src/` });
      } else if (!seen.specifier.startsWith('node:'))
        packages.push({ from: nameOf(path), to: packageOf(seen.specifier), place, import: seen });
    }
  }
  for (const path of sources.keys()) {
    if (partOf(nameOf(path)) === undefined)
      violations.push({ place: `${path}:1`, text: 'belongs to no part: add it to PART_RULES in test/tree/rules.ts' });
  }
  const writerOnly = writerOnlyFiles(files, edges);
  return [
    ...violations,
    ...edges.flatMap(checkEdge),
    ...packages.flatMap((edge) => checkPackage(edge, writerOnly)),
    ...folderCycles(edges),
  ];
}

function checkEdge({ from, to, place }: Edge): Violation[] {
  const found: Violation[] = [];
  const part = partOf(from);
  const inside = part !== undefined && sharesFolder(part, from, to);
  if (part !== undefined && !inside && !matches(part.may, to)) found.push({ place, text: `imports ${to}: ${part.rule}` });
  for (const { file, by, rule } of RESERVED) {
    if (matches([file], to) && !matches(by, from)) found.push({ place, text: `imports ${to}: ${rule}` });
  }
  return found;
}

/** Both are in one folder that the rule names. Single files of a rule (errors, log, ...) do not import one another. */
function sharesFolder(part: PartRule, from: string, to: string): boolean {
  return part.files.some((glob) => glob.endsWith('**') && matches([glob], from) && matches([glob], to));
}

function checkPackage({ from, to, place, import: seen }: Edge, writerOnly: Set<string>): Violation[] {
  const owner = PACKAGE_RULES.find(({ packages }) => matches(packages, to));
  if (owner === undefined)
    return [{ place, text: `imports the package ${to}, which has no owner yet: add it to PACKAGE_RULES in test/tree/rules.ts` }];
  if (matches(owner.by, from) || (owner.by.includes(WRITER_ONLY) && writerOnly.has(from))) return [];
  return [{ place, text: `imports the package ${seen.specifier}: ${owner.rule}` }];
}

/** store/writer-thread and the store's files that no other file loads (types are erased and load nothing). */
function writerOnlyFiles(files: Set<string>, edges: Edge[]): Set<string> {
  const root = 'store/writer-thread';
  const found = new Set([...files].filter((file) => file.startsWith('store/')));
  const loads = edges.filter((edge) => !edge.import.typeOnly && edge.import.kind !== 'url');
  const isLoadedElsewhere = (file: string): boolean => {
    if (file === root) return false;
    const importers = loads.filter((edge) => edge.to === file);
    return importers.length === 0 || importers.some((edge) => !found.has(edge.from));
  };
  for (let changed = true; changed; ) {
    const out = [...found].filter(isLoadedElsewhere);
    for (const file of out) found.delete(file);
    changed = out.length > 0;
  }
  return found;
}

/** Folders of src/ (and single files in it) that import one another in a circle. */
function folderCycles(edges: Edge[]): Violation[] {
  const graph = new Map<string, Map<string, Edge>>();
  for (const edge of edges) {
    const [from, to] = [folderOf(edge.from), folderOf(edge.to)];
    if (from === to) continue;
    const targets = graph.get(from) ?? new Map<string, Edge>();
    targets.set(to, targets.get(to) ?? edge);
    graph.set(from, targets);
  }
  const found: Violation[] = [];
  const done = new Set<string>();
  const visit = (folder: string, path: string[]): void => {
    const start = path.indexOf(folder);
    if (start !== -1) {
      const last = graph.get(path.at(-1)!)!.get(folder)!;
      found.push({ place: last.place, text: `closes a circle between folders: ${[...path.slice(start), folder].join(' -> ')}` });
      return;
    }
    if (done.has(folder)) return;
    for (const next of graph.get(folder)?.keys() ?? []) visit(next, [...path, folder]);
    done.add(folder);
  };
  for (const folder of graph.keys()) visit(folder, []);
  return found;
}

/** config/units and config/types are ground, not config: every schema fragment stands on them, and config on every fragment. */
function folderOf(name: string): string {
  if (name === 'config/units' || name === 'config/types') return name;
  return name.includes('/') ? name.slice(0, name.indexOf('/')) : name;
}

function partOf(name: string): PartRule | undefined {
  return PART_RULES.find((part) => matches(part.files, name));
}

function nameOf(path: string): string {
  return path.replace(/\.(d\.)?[cm]?[jt]sx?$/, '');
}

/** `@fastify/static/types` -> `@fastify/static`. */
function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

function matches(globs: string[], name: string): boolean {
  return globs.some((glob) => {
    const pattern = glob.replace(/[.+?^$()|[\]\\{}]/g, '\\$&').replace(/\*\*|\*/g, (stars) => (stars === '**' ? '.*' : '[^/]*'));
    return new RegExp(`^${pattern}$`).test(name);
  });
}
