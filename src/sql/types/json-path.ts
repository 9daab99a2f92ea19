/** The type jsonpath: read once, kept as its tree and the text that PostgreSQL prints for it. */
import { sqlError } from '../../base/errors.js';
import { decodeText } from '../../base/utf8.js';
import { JsonPath } from './datum.js';
import type { TypeBehaviour } from './definitions.js';
import { parsePath } from './json-path-parser.js';
import { pathText } from './json-path-tree.js';
import { syntaxError } from './scalar-input.js';

const WIRE_VERSION = 1;

/** Characters: its parts take many times that in memory. */
const LENGTH_MAX = 1024 * 1024;

export function readPath(text: string): JsonPath {
  if (text.length > LENGTH_MAX) throw sqlError('54000', 'jsonpath is too long');
  const program = parsePath(text);
  if (program === null) throw syntaxError('jsonpath', text);
  return new JsonPath(pathText(program), program);
}

const behaviour = {
  input: (text: string) => readPath(text),
  output: (v: JsonPath) => v.text,
  receive(b: Buffer) {
    if (b.length < 1) throw sqlError('08P01', 'no data left in message');
    if (b[0] !== WIRE_VERSION) throw sqlError('XX000', `unsupported jsonpath version number: ${b[0]}`);
    return readPath(decodeText(b, 1));
  },
  send: (v: JsonPath) => Buffer.concat([Buffer.of(WIRE_VERSION), Buffer.from(v.text, 'utf8')]),
  // PostgreSQL has no order of paths; grouping by hash and sorting are refused before these are asked.
  compare: (a: JsonPath, b: JsonPath) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0),
  hashKey: (v: JsonPath) => v.text,
  encodeKey: null,
  applyTypmod: (v: JsonPath) => v,
};

export const JSONPATH = behaviour as unknown as TypeBehaviour;
