/**
 * Relations that the query of a view names by text once and for all, as nextval('q') and 'q'::regclass do: they become
 * oids, so that a new name or search path changes nothing, and sources of the view, so that they do not go from under it.
 */
import type { A_Const, FuncCall, Node, TypeCast } from 'libpg-query';
import type { RelationName, StoredQuery } from '../contract.js';
import { as, stringsOf } from '../plan/ast.js';
import { splitName } from '../types/identifiers.js';
import type { DdlContext } from './context.js';
import { descriptorOf } from './objects.js';
import { qualifiedName } from './tree.js';

const OF_SEQUENCES: ReadonlySet<string> = new Set(['nextval', 'currval', 'setval']);

type NamedNode = { TypeCast?: TypeCast; FuncCall?: FuncCall };

function isBuiltIn(names: readonly string[], wanted: (name: string) => boolean): boolean {
  const name = names.at(-1) ?? '';
  return wanted(name) && (names.length === 1 || (names.length === 2 && names[0] === 'pg_catalog'));
}

function literalOf(node: Node | undefined): A_Const | null {
  const constant = node === undefined ? undefined : as(node, 'A_Const');
  return constant?.sval?.sval === undefined || /^\s*\d+\s*$/.test(constant.sval.sval) ? null : constant;
}

/** The literal that names a relation in this very node. */
function namedIn({ TypeCast: cast, FuncCall: call }: NamedNode): A_Const | null {
  if (cast !== undefined)
    return isBuiltIn(stringsOf(cast.typeName?.names), (name) => name === 'regclass') &&
      cast.typeName?.arrayBounds === undefined
      ? literalOf(cast.arg)
      : null;
  if (call === undefined || !isBuiltIn(stringsOf(call.funcname), (name) => OF_SEQUENCES.has(name))) return null;
  return literalOf(call.args?.[0]);
}

function collect(tree: unknown, found: NamedNode[]): void {
  if (typeof tree !== 'object' || tree === null) return;
  if (!Array.isArray(tree) && namedIn(tree as NamedNode) !== null) found.push(tree as NamedNode);
  for (const part of Object.values(tree)) collect(part, found);
}

/** The names of relations that literals in the tree stand for. */
export function namedByLiterals(tree: unknown): RelationName[] {
  const nodes: NamedNode[] = [];
  collect(tree, nodes);
  return nodes.map((node) => qualifiedName(splitName(namedIn(node)!.sval!.sval!)));
}

/** What is not found is left as it is, and looked up when the view is read. */
export async function pinLiterals<Q extends StoredQuery>(ctx: DdlContext, made: Q): Promise<Q> {
  const tree = JSON.parse(made.queryTree) as unknown;
  const nodes: NamedNode[] = [];
  collect(tree, nodes);
  if (nodes.length === 0) return made;
  const sources = new Map(made.sources.map((source) => [source.id, source]));
  for (const node of nodes) {
    const literal = namedIn(node)!;
    const name = qualifiedName(splitName(literal.sval!.sval!));
    const relation = await ctx.catalog.relation(name, ctx.session.searchPath, ctx.wait);
    if (relation === null || relation.kind === 'virtual') continue;
    const { id } = descriptorOf(relation);
    if (!sources.has(id)) sources.set(id, { id, columnIds: [] });
    literal.sval = { sval: String(id) };
    if (node.FuncCall !== undefined) node.FuncCall.args = [asRegclass(literal), ...node.FuncCall.args!.slice(1)];
  }
  return { ...made, queryTree: JSON.stringify(tree), sources: [...sources.values()] };
}

function asRegclass(literal: A_Const): Node {
  return {
    TypeCast: { arg: { A_Const: literal }, typeName: { names: [{ String: { sval: 'regclass' } }], typemod: -1 } },
  };
}
