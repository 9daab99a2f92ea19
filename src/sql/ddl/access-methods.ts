/**
 * Kinds of indexes: btree, which is ordered; hash, which is stored alike and asked for equality; brin, which is stored and
 * read as btree is; gin, which is inverted. What each can do, and the operator classes. Those of ordered and hash indexes are kept and shown: the order
 * of text is that of its code points with each of them.
 *
 * Limits: storage parameters are not looked at.
 */
import { sqlError } from '../../base/errors.js';
import type { QuoralError } from '../../base/errors.js';
import type { IndexDescriptor, IndexPart } from '../catalog/descriptor.js';
import type { OperatorClass } from '../encoding/item-keys.js';
import { namedOperatorClass, ownClass } from '../catalog/virtual/operator-classes.js';
import type { NamedClass } from '../catalog/virtual/operator-classes.js';
import { isKeyEncodable } from '../encoding/key-codec.js';
import { isBinaryCoercible } from '../types/casts.js';
import { OID } from '../types/oids.js';
import { isMultirangeType, isRangeType } from '../types/range.js';
import { elementOidOf, formatType, typeByOid } from '../types/registry.js';
import { baseOidOf } from '../types/user-types.js';
import { noDefaultClass, requireKeyType } from './columns.js';
import { list, of, stringOf, text, unsupported } from './tree.js';
import type { Loose } from './tree.js';

type Method = IndexDescriptor['method'] | undefined;

const CLASSES: ReadonlySet<string> = new Set<OperatorClass>(['jsonb_ops', 'jsonb_path_ops', 'array_ops']);

/** Of CREATE INDEX; undefined is btree. @throws QuoralError 42704, 0A000 */
export function readMethod(body: Loose): Method {
  const method = text(body['accessMethod']) || 'btree';
  if (method === 'btree') return undefined;
  if (['gist', 'spgist'].includes(method)) throw unsupported(`access method "${method}"`);
  if (method !== 'hash' && method !== 'gin' && method !== 'brin')
    throw sqlError('42704', `access method "${method}" does not exist`);
  const refuse = (what: string): QuoralError => sqlError('0A000', `access method "${method}" does not support ${what}`);
  if (body['unique'] === true) throw refuse('unique indexes');
  if (list(body['indexIncludingParams']).length > 0) throw refuse('included columns');
  const parts = list(body['indexParams']).map((p) => of(p, 'IndexElem'));
  if (method === 'hash' && parts.length > 1) throw refuse('multicolumn indexes');
  for (const part of parts) {
    if (part['ordering'] !== undefined && part['ordering'] !== 'SORTBY_DEFAULT') throw refuse('ASC/DESC options');
    const nulls = part['nulls_ordering'];
    if (nulls !== undefined && nulls !== 'SORTBY_NULLS_DEFAULT') throw refuse('NULLS FIRST/LAST options');
  }
  return method;
}

/** The operator class that a part of an index names. */
export function readOperatorClass(part: Loose): { readonly opclass?: string } {
  const names = list(part['opclass']).map(stringOf);
  if (names.length === 0) return {};
  const name = names.at(-1)!;
  if (list(part['opclassopts']).length > 0) throw sqlError('22023', `operator class ${name} has no options`);
  return { opclass: names[0] === 'pg_catalog' ? name : names.join('.') };
}

type KeptClass = Pick<IndexPart, 'opclass' | 'namedClass'>;

/** What a key of this type keeps of its class. @throws QuoralError 42704, 42804, 42883 */
export function keyClass(method: Method, given: string | undefined, typeOid: number): KeptClass {
  return method === 'gin' ? itemClass(given, typeOid) : orderClass(method, given, typeOid);
}

function classMissing(name: string, method: string): QuoralError {
  return sqlError('42704', `operator class "${name}" does not exist for access method "${method}"`);
}

function classRefuses(name: string, typeOid: number): QuoralError {
  return sqlError('42804', `operator class "${name}" does not accept data type ${formatType(typeOid)}`);
}

function orderClass(method: 'hash' | 'brin' | undefined, given: string | undefined, typeOid: number): KeptClass {
  if (given === undefined) {
    requireKeyType({ typeOid }, method);
    if (method === 'brin' && ownClass(method, baseOidOf(typeOid)) === 0) throw noDefaultClass(typeOid, method);
    return {};
  }
  const named = namedOperatorClass(method ?? 'btree', given);
  if (named === undefined) throw classMissing(given, method ?? 'btree');
  const base = baseOidOf(typeOid);
  if (!acceptsType(named, base)) throw classRefuses(given, typeOid);
  // Its keys would be alike but for blanks at their end.
  if (named.typeOid === OID.bpchar && base !== OID.bpchar)
    throw unsupported(`operator class "${given}" over ${formatType(typeOid)}`);
  requireKeyType({ typeOid }, method);
  return named.oid === ownClass(method, base) ? {} : { namedClass: given };
}

/** Any type of a category is ordered by one class. */
const CATEGORY_CLASSES: ReadonlyMap<number, string> = new Map([
  [OID.anyarray, 'A'],
  [OID.anyenum, 'E'],
  [OID.record, 'C'],
]);

function acceptsType(named: NamedClass, typeOid: number): boolean {
  const category = CATEGORY_CLASSES.get(named.typeOid);
  if (category !== undefined) return typeByOid(typeOid).category === category;
  if (named.typeOid === OID.anyrange) return isRangeType(typeOid);
  if (named.typeOid === OID.anymultirange) return isMultirangeType(typeOid);
  return isBinaryCoercible(typeOid, named.typeOid) || (typeOid === OID.int4 && named.typeOid === OID.oid);
}

function itemClass(given: string | undefined, typeOid: number): KeptClass {
  if (given !== undefined && !CLASSES.has(given)) throw classMissing(given, 'gin');
  const base = baseOidOf(typeOid);
  const element = elementOidOf(base);
  const own = base === OID.jsonb ? 'jsonb_ops' : element !== 0 ? 'array_ops' : undefined;
  const opclass = (given as OperatorClass | undefined) ?? own;
  if (opclass === undefined) throw noDefaultClass(typeOid, 'gin');
  if ((opclass === 'array_ops') !== (own === 'array_ops') || own === undefined) throw classRefuses(opclass, typeOid);
  if (own === 'array_ops' && !isKeyEncodable(element)) {
    throw sqlError('42883', `could not identify a comparison function for type ${formatType(element)}`);
  }
  return { opclass };
}

/** What stands in the text of the index: nothing for the class that the type has by itself. */
export function givenClass({ opclass, namedClass }: IndexPart): string | undefined {
  return opclass === 'jsonb_path_ops' ? opclass : namedClass;
}
