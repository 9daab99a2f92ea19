/** Names of variables, as PostgreSQL looks them up: from the innermost block outwards, with labels before them. */
import type { NameScope, Variable } from './tree.js';

export interface FoundName {
  readonly variable: Variable;
  /** What follows the variable's own name: fields. */
  readonly rest: readonly string[];
}

/** null if the name, which may have a label in front and fields behind, is no variable's. */
export function findVariable(scope: NameScope, names: readonly string[]): FoundName | null {
  for (let s: NameScope | null = scope; s !== null; s = s.parent) {
    const plain = s.names.get(names[0]!);
    if (plain !== undefined) return { variable: plain, rest: names.slice(1) };
    if (s.label !== null && s.label === names[0] && names.length > 1) {
      const labelled = s.names.get(names[1]!);
      if (labelled !== undefined) return { variable: labelled, rest: names.slice(2) };
    }
  }
  return null;
}

/** A scope inside another. */
export function innerScope(
  parent: NameScope,
  kind: NameScope['kind'],
  label: string | null,
  variables: readonly Variable[] = [],
): NameScope {
  return { kind, label, names: new Map(variables.map((v) => [v.name, v])), parent };
}

/** Names that are copied for each one more; then a scope goes on in another one. */
const NAMES_COPIED = 64;

/** The same scope with one more name: what was read before does not see it. */
export function withName(scope: NameScope, variable: Variable, name = variable.name): NameScope {
  if (scope.names.size < NAMES_COPIED) return { ...scope, names: new Map([...scope.names, [name, variable]]) };
  return { ...scope, names: new Map([[name, variable]]), parent: scope, goesOn: true };
}

/** In the scope itself, not in one around it. */
export function hasOwnName(scope: NameScope, name: string): boolean {
  for (let s: NameScope | null = scope; s !== null; s = s.goesOn === true ? s.parent : null) {
    if (s.names.has(name)) return true;
  }
  return false;
}
