/** Values of int2vector and oidvector: numbers with blanks between, subscripts from 0. */
import { encodeKeyInt } from '../encoding/key-primitives.js';
import { arrayReceive } from './array.js';
import { PgArray } from './datum.js';
import type { Datum } from './datum.js';
import type { TypeBehaviour } from './definitions.js';
import { syntaxError } from './scalar-input.js';
import { sqlError } from '../../base/errors.js';
import type { TypeInfo } from './type-info.js';

/** `array`: of an array of such elements. */
export function vectorBehaviour(element: TypeInfo, array: TypeBehaviour, name: string): TypeBehaviour {
  const elementOid = element.oid;
  // A cast of ARRAY[…] makes one of anything; what reads it as a list of numbers then finds out.
  const checked = (v: Datum): PgArray => {
    const { elements, dims } = v as PgArray;
    if (dims.length !== 1 || elements.includes(null)) throw sqlError('42804', `array is not a valid ${name}`);
    return v as PgArray;
  };
  return {
    ...array,
    // int2vector has the operators of arrays.
    ...(name === 'oidvector' ? byLength(array, checked) : {}),
    input(text, _typmod, ctx) {
      const parts = numbersOf(text, element, name === 'oidvector');
      return new PgArray(
        elementOid,
        parts.map((part) => element.input(part, -1, ctx)),
        [parts.length],
        [0],
      );
    },
    output(v, ctx) {
      const { elements } = checked(v);
      let text = '';
      for (let i = 0; i < elements.length; i++) text += (i === 0 ? '' : ' ') + element.output(elements[i]!, ctx);
      return text;
    },
    receive(b, typmod) {
      const v = arrayReceive(b, element, typmod);
      // One of no numbers has its dimension all the same.
      return v.elements.length === 0 && b.readInt32BE(0) === 1 ? new PgArray(elementOid, [], [0], [0]) : v;
    },
  };
}

/** Texts of numbers; errors tell all of the text from the number on. `joined`: the next may follow without a blank. */
function numbersOf(text: string, element: TypeInfo, joined: boolean): string[] {
  const parts: string[] = [];
  for (let rest = text.trimStart(); rest !== ''; rest = rest.trimStart()) {
    const number = /^[+-]?\d+/.exec(rest)?.[0];
    const after = rest[number?.length ?? 0];
    if (number === undefined || !(joined || after === undefined || /\s/.test(after)))
      throw syntaxError(element.sqlName, rest);
    parts.push(number);
    rest = rest.slice(number.length);
  }
  return parts;
}

/** The order of oidvector: the shorter first; subscripts, which one made of an array has from 1, do not count. */
function byLength(
  array: TypeBehaviour,
  checked: (v: Datum) => PgArray,
): Pick<TypeBehaviour, 'compare' | 'hashKey' | 'encodeKey'> {
  const plain = (v: Datum): PgArray => {
    const { elementOid, elements } = checked(v);
    return new PgArray(elementOid, elements);
  };
  return {
    compare(a, b) {
      const [x, y] = [plain(a), plain(b)];
      return Math.sign(x.elements.length - y.elements.length) || array.compare(x, y);
    },
    hashKey: (v) => array.hashKey(plain(v)),
    encodeKey: (v) => encodeKeyInt(plain(v).elements.length) + array.encodeKey!(plain(v)),
  };
}
