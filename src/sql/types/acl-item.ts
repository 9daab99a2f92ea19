/** How a privilege is written as an aclitem: grantee=letters/grantor. The text is kept in the form that it is shown in. */
import { sqlError } from '../../base/errors.js';
import type { FormatContext } from './type-info.js';

const LETTERS = 'arwdDxtXUCTcsA';
const BOOTSTRAP_ROLE = 'postgres';
const NAME_BYTES_MAX = 63;

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** What stands here; '' at the end. */
  peek(): string {
    return this.#text[this.#at] ?? '';
  }
  next(): void {
    this.#at++;
  }
  blanks(): void {
    while (/^\s$/.test(this.peek())) this.next();
  }

  /** A word, or one in quotes, and the blanks around it; '' without one. */
  name(): string {
    this.blanks();
    let name = '';
    let quoted = false;
    for (; this.peek() !== ''; this.next()) {
      const char = this.peek();
      if (char === '"') {
        if (!quoted || this.#text[this.#at + 1] !== '"') {
          quoted = !quoted;
          continue;
        }
        this.next();
      } else if (!quoted && !/^[A-Za-z0-9_\u0080-\uffff]$/.test(char)) break;
      name += char;
      if (Buffer.byteLength(name) > NAME_BYTES_MAX)
        throw sqlError('42622', 'identifier too long', { detail: 'Identifier must be less than 64 characters.' });
    }
    this.blanks();
    return name;
  }
}

function known(name: string, names: FormatContext['names']): string {
  if (names?.roleOid !== undefined && names.roleOid(name) === null)
    throw sqlError('42704', `role "${name}" does not exist`);
  return /^[A-Za-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

/** Each letter once, in their order, with the star that stands behind it. */
function letters(reader: Reader): string {
  const stars = new Map<string, string>();
  let last = '';
  for (; /^[A-Za-z*]$/.test(reader.peek()); reader.next()) {
    if (reader.peek() === '*') {
      if (last !== '') stars.set(last, '*');
      continue;
    }
    last = reader.peek();
    if (!LETTERS.includes(last)) throw sqlError('22P02', `invalid mode character: must be one of "${LETTERS}"`);
    if (!stars.has(last)) stars.set(last, '');
  }
  return [...LETTERS].flatMap((letter) => (stars.has(letter) ? [letter + stars.get(letter)!] : [])).join('');
}

/** Without a grantor it is the first of all roles. @throws QuoralError 22P02, 42622, 42704 */
export function readAclItem(text: string, { names }: Pick<FormatContext, 'names'>): string {
  const reader = new Reader(text);
  let grantee = reader.name();
  if (reader.peek() !== '=') {
    if (grantee !== 'group' && grantee !== 'user')
      throw sqlError('22P02', `unrecognized key word: "${grantee}"`, {
        hint: 'ACL key word must be "group" or "user".',
      });
    grantee = reader.name();
    if (grantee === '')
      throw sqlError('22P02', 'missing name', { hint: 'A name must follow the "group" or "user" key word.' });
  }
  if (reader.peek() !== '=') throw sqlError('22P02', 'missing "=" sign');
  reader.next();
  const granted = letters(reader);
  const shown = grantee === '' ? '' : known(grantee, names);
  let grantor = BOOTSTRAP_ROLE;
  if (reader.peek() === '/') {
    reader.next();
    grantor = reader.name();
    if (grantor === '') throw sqlError('22P02', 'a name must follow the "/" sign');
  }
  const by = known(grantor, names);
  reader.blanks();
  if (reader.peek() !== '') throw sqlError('22P02', 'extra garbage at the end of the ACL specification');
  return `${shown}=${granted}/${by}`;
}
