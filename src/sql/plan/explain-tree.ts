/** What EXPLAIN shows of a plan, before it has a format. */
import type { Figures } from '../exec/profile.js';

/** `raw`: a number as it is to be printed. */
export type ExplainValue = string | boolean | readonly string[] | { readonly raw: string };

export type Relationship = 'Outer' | 'Inner' | 'Member' | 'InitPlan' | 'SubPlan';

export interface ExplainNode {
  /** The node's line in text. */
  readonly title: string;
  readonly nodeType: string;
  /** What the title says, by PostgreSQL's names. */
  readonly facts: readonly (readonly [string, ExplainValue])[];
  /** What stands below the title in text, with a name in both formats. */
  readonly details: readonly (readonly [string, string | readonly string[]])[];
  /** 'CTE x', 'SubPlan 1'. */
  readonly subplanName: string | null;
  readonly relationship: Relationship | null;
  readonly rows: number;
  readonly width: number;
  /** null: it was never run. undefined: it is no operator of its own, or nothing was run. */
  readonly figures: Figures | null | undefined;
  readonly children: readonly ExplainNode[];
}

export interface ExplainLayout {
  readonly costs: boolean;
  /** Actual rows, with times if `timing`. */
  readonly analyze: boolean;
  readonly timing: boolean;
}

export interface ExplainTimes {
  readonly planningMs: number | null;
  readonly executionMs: number | null;
}
