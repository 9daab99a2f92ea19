/**
 * A deliberate defect: a small change of the production source, kept as text beside it and never in it.
 * It is applied to a copy (apply.ts); the simulator then has to find it.
 */

/** Replaces text that occurs exactly once in a file. */
export interface Patch {
  /** From the root of the repository. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export interface DefectOptions {
  /** Default 'cluster'. */
  readonly kind?: 'cluster' | 'raft';
  /** More arguments of the simulator, e.g. which faults make the defect likely to matter. */
  readonly args?: readonly string[];
  /**
   * Correct changes that make the defect matter more often, such as a bound made small. On their own
   * they must break nothing; `--controls` runs them alone.
   */
  readonly amplify?: readonly Patch[];
}

export interface Defect {
  readonly name: string;
  /** The invariant that does not hold any more. */
  readonly breaks: string;
  readonly patches: readonly Patch[];
  readonly options?: DefectOptions;
}
