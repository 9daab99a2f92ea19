/**
 * Kinds of indexes: btree, which is ordered; hash, which is stored alike and asked for equality; gin, which is
 * inverted. What each can do, and the operator classes of gin.
 *
 * Limits: operator classes of ordered indexes are not looked at, nor are the storage parameters of any.
 */
import { sqlError } from '../../base/errors.js';
import type { QuoralError } from '../../base/errors.js';
import type { IndexDescriptor, IndexPart } from '../catalog/descriptor.js';
import type { OperatorClass } from '../encoding/item-keys.js';
import { isKeyEncodable } from '../encoding/key-codec.js';
import { OID } from '../types/oids.js';
import { elementOidOf, formatType, typeByOid } from '../types/registry.js';
import { baseOidOf } from '../types/user-types.js';
import { requireKeyType } from './columns.js';
import { list, of, stringOf, text, unsupported } from './tree.js';
import type { Loose } from './tree.js';

type Method = IndexDescriptor['method'] | undefined;

const CLASSES: ReadonlySet<string> = new Set<OperatorClass>(['jsonb_ops', 'jsonb_path_ops', 'array_ops']);

/** Of CREATE INDEX; undefined is btree. @throws QuoralError 42704, 0A000 */
export function readMethod(body: Loose): Method {
  const method = text(body['accessMethod']) || 'btree';
  if (method === 'btree') return undefined;
  if (['gist', 'brin', 'spgist'].includes(method)) throw unsupported(`access method "${method}"`);
  if (method !== 'hash' && method !== 'gin') throw sqlError('42704', `access method "${method}" does not exist`);
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

/** The operator class that a part of a gin index names, without its schema. */
export function readOperatorClass(method: Method, part: Loose): Pick<IndexPart, 'opclass'> {
  const names = list(part['opclass']).map(stringOf);
  const name = names.at(-1);
  if (method !== 'gin' || name === undefined) return {};
  if (!CLASSES.has(name))
    throw sqlError('42704', `operator class "${names.join('.')}" does not exist for access method "gin"`);
  if (list(part['opclassopts']).length > 0) throw sqlError('22023', `operator class ${name} has no options`);
  return { opclass: name as OperatorClass };
}

/** The class of a key of this type; none for an ordered index. @throws QuoralError 42704, 42804, 42883 */
export function keyClass(
  method: Method,
  given: OperatorClass | undefined,
  typeOid: number,
): Pick<IndexPart, 'opclass'> {
  if (method !== 'gin') {
    requireKeyType({ typeOid }, method);
    return {};
  }
  const base = baseOidOf(typeOid);
  const element = elementOidOf(base);
  const own = base === OID.jsonb ? 'jsonb_ops' : element !== 0 ? 'array_ops' : undefined;
  const opclass = given ?? own;
  if (opclass === undefined)
    throw sqlError(
      '42704',
      `data type ${typeByOid(typeOid).sqlName} has no default operator class for access method "gin"`,
      {
        hint: 'You must specify an operator class for the index or define a default operator class for the data type.',
      },
    );
  if ((opclass === 'array_ops') !== (own === 'array_ops') || own === undefined)
    throw sqlError('42804', `operator class "${opclass}" does not accept data type ${formatType(typeOid)}`);
  if (own === 'array_ops' && !isKeyEncodable(element)) {
    if (element === OID.jsonb) throw unsupported('a gin index over arrays of jsonb');
    throw sqlError('42883', `could not identify a comparison function for type ${formatType(element)}`);
  }
  return { opclass };
}

/** What stands in the text of the index: nothing for the class that the type has by itself. */
export function givenClass(opclass: OperatorClass | undefined): OperatorClass | undefined {
  return opclass === 'jsonb_path_ops' ? opclass : undefined;
}
