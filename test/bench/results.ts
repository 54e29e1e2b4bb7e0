import { type Figure, isDisturbed, isGeneratorBound, type Load } from './scenario.js';
import { median, medianRatio, spread } from './stats.js';

/** One figure of one candidate over all rounds. */
export interface Series {
  /** One value a round; null where it could not be measured. */
  values: (number | null)[];
  loads: Load[];
  notes: string[];
}

export interface FigureRow {
  name: string;
  unit: string;
  better: Figure['better'];
  series: Map<string, Series>;
}

export interface Summary {
  /** null: it was measured in no round. */
  median: number | null;
  /** Half of the range as a share of the median. */
  spread: number;
  /** To the reference, round by round; null without one. */
  ratio: number | null;
  /** Medians. */
  load: Load | null;
  /** In most rounds the load generator was the limit. */
  generatorBound: boolean;
  /** In most rounds other programs took a good part of the cores. */
  disturbed: boolean;
  /** What was noted, and in how many rounds. */
  note: string | null;
}

export interface ScenarioRows {
  id: string;
  title: string;
  /** The candidate that ratios refer to; null: the one of all. */
  reference: string | null;
  rows: FigureRow[];
}

/** What was measured, by scenario and figure. */
export class Results {
  readonly #scenarios = new Map<string, { title: string; reference: string | null; rows: Map<string, FigureRow> }>();

  add(
    scenario: { id: string; title: string; field?: { reference: string } },
    candidate: string,
    round: number,
    figures: readonly Figure[],
  ): void {
    let entry = this.#scenarios.get(scenario.id);
    if (entry === undefined) {
      entry = { title: scenario.title, reference: scenario.field?.reference ?? null, rows: new Map() };
      this.#scenarios.set(scenario.id, entry);
    }
    for (const { name, unit, better, value, load, note } of figures) {
      let row = entry.rows.get(name);
      if (row === undefined) {
        row = { name, unit, better, series: new Map() };
        entry.rows.set(name, row);
      }
      let series = row.series.get(candidate);
      if (series === undefined) {
        series = { values: [], loads: [], notes: [] };
        row.series.set(candidate, series);
      }
      while (series.values.length < round) series.values.push(null);
      series.values[round] = value;
      if (load !== undefined) series.loads.push(load);
      if (note !== undefined) series.notes.push(note);
    }
  }

  scenarios(): ScenarioRows[] {
    return [...this.#scenarios].map(([id, { title, reference, rows }]) => ({ id, title, reference, rows: [...rows.values()] }));
  }

  /** Some of the scenarios. */
  part(isWanted: (scenario: ScenarioRows) => boolean): Results {
    const part = new Results();
    for (const scenario of this.scenarios()) {
      const entry = this.#scenarios.get(scenario.id);
      if (entry !== undefined && isWanted(scenario)) part.#scenarios.set(scenario.id, entry);
    }
    return part;
  }
}

export function summarize(series: Series, reference: Series | null): Summary {
  const values = series.values.filter((value) => value !== null);
  const ratio = reference === null ? Number.NaN : medianRatio(series.values, reference.values);
  const { loads, notes } = series;
  return {
    median: values.length === 0 ? null : median(values),
    spread: spread(values),
    ratio: Number.isNaN(ratio) ? null : ratio,
    load: loads.length === 0 ? null : medianLoad(loads),
    generatorBound: loads.filter(isGeneratorBound).length * 2 > loads.length,
    disturbed: loads.filter((load) => isDisturbed([{ load }])).length * 2 > loads.length,
    note: summarizeNotes(notes, series.values.length),
  };
}

function medianLoad(loads: readonly Load[]): Load {
  const of = (key: keyof Load): number => median(loads.map((load) => load[key]));
  return { candidate: of('candidate'), generator: of('generator'), others: of('others') };
}

function summarizeNotes(notes: readonly string[], rounds: number): string | null {
  if (notes.length === 0) return null;
  const text = [...new Set(notes)].join('; ');
  return notes.length === rounds ? text : `${text} (${notes.length} of ${rounds} rounds)`;
}
