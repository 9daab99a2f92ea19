/** Access to the grammar's parse trees: nodes are objects with one key, the node's kind, and zero values left out. */
import type { FuncCall, Node, RangeVar, SelectStmt, TypeName } from 'libpg-query';
import { assert } from '../../base/assert.js';
import { pinOf } from '../catalog/pins.js';
import type { RelationName } from '../contract.js';
import { aggregatesNamed, functionsNamed } from '../functions/define.js';
import { builtInCollation } from '../types/collation.js';
import { PINNED } from '../types/pinned-types.js';
import { typeByName, typeByOid } from '../types/registry.js';
import { standardDomain } from '../types/standard-domains.js';
import type { TypeInfo } from '../types/type-info.js';
import { pinnedCollation } from './collation-names.js';

/** Union member of Node that has key K, and what is under it. */
type Bodies = { [N in Node as keyof N & string]: N[keyof N] };
export type Kind = keyof UnionToIntersection<Node> & string;
type UnionToIntersection<U> = (U extends unknown ? (u: U) => void : never) extends (i: infer I) => void ? I : never;
type AllBodies = UnionToIntersection<Node>;
export type Body<K extends keyof AllBodies> = AllBodies[K];
export type { Bodies };

export function kindOf(node: Node): Kind {
  const kind = Object.keys(node)[0];
  assert(kind !== undefined, 'a parse node has a kind');
  return kind as Kind;
}

/** The body of `node` if it is of that kind. */
export function as<K extends Kind & keyof AllBodies>(node: Node | undefined, kind: K): Body<K> | undefined {
  if (node === undefined) return undefined;
  return (node as Partial<AllBodies>)[kind] as Body<K> | undefined;
}

export function must<K extends Kind & keyof AllBodies>(node: Node | undefined, kind: K): Body<K> {
  const body = as(node, kind);
  assert(
    body !== undefined,
    () => `expected ${kind} in the parse tree, found ${node === undefined ? 'nothing' : kindOf(node)}`,
  );
  return body as Body<K>;
}

export function stringsOf(nodes: readonly Node[] | undefined): string[] {
  return (nodes ?? []).map((n) => as(n, 'String')?.sval ?? '');
}

/** Zero-based location in the query text, or -1. */
export function locationOf(node: Node | undefined): number {
  if (node === undefined) return -1;
  // A cast begins where its argument does, unless the type is written before that.
  const cast = as(node, 'TypeCast');
  if (cast !== undefined) {
    const places = [cast.location, cast.typeName?.location, locationOf(cast.arg)].filter((at) => at !== undefined);
    return Math.min(...places.filter((at) => at >= 0), Infinity) === Infinity
      ? -1
      : Math.min(...places.filter((at) => at >= 0));
  }
  const body = Object.values(node)[0] as { location?: number; arg?: Node } | undefined;
  if (body === undefined) return -1;
  if (body.location !== undefined) return body.location;
  // The grammar leaves a location of 0 out; some nodes have none at all and borrow their argument's.
  return body.arg !== undefined && typeof body.arg === 'object' ? locationOf(body.arg) : -1;
}

/** Where the expression begins, which for an operator is before it. */
export function startOf(node: Node | undefined): number {
  const operation = as(node, 'A_Expr');
  const left = operation?.lexpr === undefined ? -1 : startOf(operation.lexpr);
  return left >= 0 ? left : locationOf(node);
}

export function selectOf(node: Node | undefined): SelectStmt | undefined {
  return as(node, 'SelectStmt');
}

export interface WrittenTypeName {
  readonly schema: string | null;
  readonly name: string;
  readonly typmods: readonly Node[];
  readonly isArray: boolean;
  readonly location: number;
}
export function typeNameOf(type: TypeName): WrittenTypeName {
  const names = stringsOf(type.names);
  return {
    schema: names.length > 1 ? (names[names.length - 2] ?? null) : null,
    name: names[names.length - 1] ?? '',
    typmods: type.typmods ?? [],
    isArray: (type.arrayBounds ?? []).length > 0,
    location: type.location ?? 0,
  };
}

/** Names of relations anywhere in a tree, and of types that are not built in; also those that hide nothing. */
export function collectRelations(root: unknown, found: Map<string, RelationName>): void {
  collect(root, found);
}

interface Loose {
  readonly [key: string]: unknown;
}

function collect(value: unknown, found: Map<string, RelationName>): void {
  if (Array.isArray(value)) {
    for (const item of value) collect(item, found);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  const node = value as Loose;
  if (typeof node['relname'] === 'string') {
    const pin = pinOf(node as RangeVar);
    if (pin !== undefined) {
      found.set(`#${pin.id}`, { schema: null, name: '', id: pin.id });
      return;
    }
    const schema = typeof node['schemaname'] === 'string' ? node['schemaname'] : null;
    const name = node['relname'];
    // A WITH name hides a table only where it is in scope; too many names resolved do no harm, so the
    // hiding is used only to avoid errors for names that are never tables, and that is not needed at all.
    found.set(`${schema ?? ''}.${name}`, { schema, name });
    return;
  }
  if (Array.isArray(node['collname'])) collation(stringsOf(node['collname'] as Node[]), found);
  if (Array.isArray(node['collation'])) collation(stringsOf(node['collation'] as Node[]), found);
  if (Array.isArray(node['funcname'])) {
    routine(node as FuncCall, found);
  }
  if (Array.isArray(node['names']) && node['typemod'] !== undefined) userType(node as unknown as TypeName, found);
  for (const key in node) collect(node[key], found);
}

/** Built-in functions have overloads by users, whose name is the same. */
function routine(call: FuncCall, found: Map<string, RelationName>): void {
  const names = stringsOf(call.funcname);
  const schema = names.length > 1 ? names[names.length - 2]! : null;
  const name = names[names.length - 1] ?? '';
  if (name.startsWith(PINNED)) return;
  const isBuiltIn = isBuiltInFunction(schema, name);
  if (isBuiltIn && schema !== null) return;
  const beside = isBuiltIn ? ({ besideBuiltIn: true } as const) : {};
  found.set(`routine ${schema ?? ''}.${name}`, { schema, name, isRoutine: true, ...beside });
}

/** Unless every database has it. */
function collation(names: readonly string[], found: Map<string, RelationName>): void {
  const schema = names.length > 1 ? names.at(-2)! : null;
  const name = names.at(-1) ?? '';
  const builtIn = schema === null || schema === 'pg_catalog' ? builtInCollation(name) : null;
  if (builtIn !== null || pinnedCollation(names) !== null) return;
  found.set(`collation ${schema ?? ''}.${name}`, { schema, name, isCollation: true });
}

export function isBuiltInFunction(schema: string | null, name: string): boolean {
  if (schema !== null) return schema === 'pg_catalog' || schema === 'information_schema';
  return functionsNamed(name).length > 0 || aggregatesNamed(name).length > 0;
}

function userType(type: TypeName, found: Map<string, RelationName>): void {
  const { schema, name } = typeNameOf(type);
  if (isBuiltInType(schema, name) || name.startsWith(PINNED)) return;
  found.set(`type ${schema ?? ''}.${name}`, { schema, name, isType: true });
}

export function isBuiltInType(schema: string | null, name: string): boolean {
  return builtInType(schema, name) !== null;
}

export function builtInType(schema: string | null, name: string): TypeInfo | null {
  if (schema === null || schema === 'pg_catalog') return typeByName(name);
  const domain = schema === 'information_schema' ? standardDomain(name) : null;
  return domain === null ? null : typeByOid(domain);
}
