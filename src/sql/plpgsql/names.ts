/**
 * The variables that one piece of SQL names, as its parameters. While it is bound, each name found becomes the
 * next parameter; `values` reads them, and `current` tells whether the shapes are still those it was bound with.
 */
import { sqlError } from '../../base/errors.js';
import type { VariableField, VariableNames, VariableReference } from '../plan/variables.js';
import type { Datum } from '../types/datum.js';
import { OID } from '../types/oids.js';
import { baseOidOf } from '../types/user-types.js';
import { type Frame, noField, type Typed } from './frame.js';
import { findVariable } from './scope.js';
import type { NameScope, Variable } from './tree.js';
import type { Field } from './types.js';

interface Used {
  readonly variable: Variable;
  /** Of a record: the field's place; -1: the variable itself. */
  readonly field: number;
  readonly oid: number;
  readonly typmod: number;
  /** Of a record: the shape it had. */
  readonly columns: readonly Field[] | null;
}

export class PieceNames implements VariableNames {
  readonly conflict: VariableNames['conflict'];
  readonly #scope: NameScope;
  #frame: Frame | null = null;
  #used: Used[] = [];
  readonly #places = new Map<string, number>();
  /** Records that are named as a whole, and whether nothing was in them. */
  readonly #wholes = new Map<Variable, boolean>();

  readonly collation: string | undefined;

  constructor(scope: NameScope, conflict: VariableNames['conflict'], collation?: string) {
    this.#scope = scope;
    this.conflict = conflict;
    this.collation = collation;
  }

  begin(): void {
    this.#used = [];
    this.#places.clear();
    this.#wholes.clear();
  }

  /** Whose values it is bound with, if it has to be. */
  set frame(frame: Frame) {
    this.#frame = frame;
  }

  has(names: readonly string[]): boolean {
    const found = findVariable(this.#scope, names);
    if (found === null) return false;
    if (found.rest.length === 0) return true;
    return this.#isRecord(found.variable);
  }

  #isRecord(variable: Variable): boolean {
    return this.#frame?.types[variable.index]?.kind === 'record';
  }

  find(names: readonly string[]): VariableReference | null {
    const found = findVariable(this.#scope, names);
    const frame = this.#frame;
    if (found === null || frame === null) return null;
    const { variable, rest } = found;
    const type = frame.types[variable.index]!;
    if (type.kind === 'scalar') {
      if (rest.length > 0) return null;
      const { collation } = type;
      const value = this.#use(variable, -1, { name: variable.name, ...type }, null);
      return { kind: 'value', value: collation === undefined ? value : { ...value, collation } };
    }
    if (rest.length > 1) return null;
    if (rest.length === 0) this.#wholes.set(variable, frame.isUnassigned(variable));
    if (rest.length === 0 && frame.isUnassigned(variable)) {
      const oid = baseOidOf(type.oid ?? OID.record);
      return { kind: 'value', value: this.#use(variable, -1, { name: variable.name, oid, typmod: -1 }, null) };
    }
    const { columns } = frame.recordOf(variable);
    if (rest.length === 0) {
      const fields = columns.map((field, i) => this.#use(variable, i, field, columns));
      return { kind: 'record', fields, ...(type.oid === undefined ? {} : { oid: baseOidOf(type.oid) }) };
    }
    const at = columns.findIndex((c) => c.name === rest[0]);
    if (at < 0) throw noField(variable, rest[0]!);
    return { kind: 'value', value: this.#use(variable, at, columns[at]!, columns) };
  }

  #use(variable: Variable, field: number, type: Field, columns: readonly Field[] | null): VariableField {
    const key = `${variable.index}.${field}`;
    let index = this.#places.get(key);
    if (index === undefined) {
      index = this.#used.length;
      this.#places.set(key, index);
      this.#used.push({ variable, field, oid: type.oid, typmod: type.typmod, columns });
    }
    return { name: type.name, index, oid: type.oid, typmod: type.typmod };
  }

  /** Whether what it was bound with has the same types in this frame. */
  current(frame: Frame): boolean {
    for (const [variable, empty] of this.#wholes) if (frame.isUnassigned(variable) !== empty) return false;
    for (const use of this.#used) {
      if (use.columns === null && this.#wholes.has(use.variable)) continue;
      if (use.columns === null) {
        const type = frame.types[use.variable.index]!;
        if (type.kind !== 'scalar' || type.oid !== use.oid || type.typmod !== use.typmod) return false;
      } else {
        const type = frame.types[use.variable.index]!;
        const columns = frame.records[use.variable.index]?.columns ?? (type.kind === 'record' ? type.columns : null);
        if (columns === null || !sameColumns(columns, use.columns)) return false;
      }
    }
    return true;
  }

  /** Variables first, in the order of their declarations, then fields of records. */
  named(frame: Frame): (Typed & { readonly name: string })[] {
    const whole = [...this.#wholes.keys()];
    const variables = [...this.#used.filter((use) => use.field < 0).map((use) => use.variable), ...whole];
    const fields = this.#used.filter((use) => use.field >= 0 && !this.#wholes.has(use.variable));
    return [
      ...[...new Set(variables)]
        .sort((a, b) => a.index - b.index)
        .map((variable) => ({
          name: variable.name,
          value: frame.valueOf(variable),
          oid: frame.types[variable.index]!.oid ?? OID.record,
        })),
      ...fields.map(({ variable, field, oid }) => ({
        name: frame.recordOf(variable).columns[field]!.name,
        value: frame.records[variable.index]?.values[field] ?? null,
        oid,
      })),
    ];
  }

  values(frame: Frame): Datum[] {
    return this.#used.map(({ variable, field }) =>
      field < 0 ? frame.scalars[variable.index]! : (frame.records[variable.index]?.values[field] ?? null),
    );
  }
}

function sameColumns(a: readonly Field[], b: readonly Field[]): boolean {
  if (a === b) return true;
  return (
    a.length === b.length &&
    a.every((c, i) => c.name === b[i]!.name && c.oid === b[i]!.oid && c.typmod === b[i]!.typmod)
  );
}

/** For dynamic SQL: $n are the values of USING, and no variable is in reach. */
export class UsingNames implements VariableNames {
  readonly conflict = 'column';
  readonly #types: readonly number[];

  constructor(types: readonly number[]) {
    this.#types = types;
  }

  /** Their places are fixed. */
  begin(): void {
    return undefined;
  }
  has(): boolean {
    return false;
  }

  find(names: readonly string[]): VariableReference | null {
    const n = names.length === 1 && names[0]!.startsWith('$') ? Number(names[0]!.slice(1)) : 0;
    if (!Number.isInteger(n) || n < 1) return null;
    if (n > this.#types.length) throw sqlError('42P02', `there is no parameter $${n}`);
    return { kind: 'value', value: { name: names[0]!, index: n - 1, oid: this.#types[n - 1]!, typmod: -1 } };
  }
}
