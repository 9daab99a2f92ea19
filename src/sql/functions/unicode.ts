/** Functions about characters: escapes and normal forms. */
import { sqlError } from '../../base/errors.js';
import { TextBuilder } from '../types/text-builder.js';
import { fn } from './define.js';

const ESCAPE = /\\(?:\\|([0-9a-fA-F]{4})|\+([0-9a-fA-F]{6})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/y;

function invalidPair(): Error {
  return sqlError('42601', 'invalid Unicode surrogate pair');
}

/** Text with escaped characters, which may be halves of a pair. */
function unescape(text: string): string {
  const out = new TextBuilder();
  let high = 0;
  for (let at = 0; at < text.length;) {
    if (text[at] !== '\\') {
      if (high !== 0) throw invalidPair();
      const next = text.indexOf('\\', at);
      const end = next < 0 ? text.length : next;
      out.add(text.slice(at, end));
      at = end;
      continue;
    }
    ESCAPE.lastIndex = at;
    const match = ESCAPE.exec(text);
    if (match === null) {
      throw sqlError('42601', 'invalid Unicode escape', {
        hint: 'Unicode escapes must be \\XXXX, \\+XXXXXX, \\uXXXX, or \\UXXXXXXXX.',
      });
    }
    at += match[0].length;
    const digits = match[1] ?? match[2] ?? match[3] ?? match[4];
    const code = digits === undefined ? 0x5c : parseInt(digits, 16);
    if (code === 0 || code > 0x10ffff)
      throw sqlError('22023', `invalid Unicode code point: ${code.toString(16).toUpperCase().padStart(4, '0')}`);
    const isLow = code >= 0xdc00 && code <= 0xdfff;
    if ((high !== 0) !== isLow) throw invalidPair();
    if (code >= 0xd800 && code <= 0xdbff) {
      high = code;
      continue;
    }
    out.add(isLow ? String.fromCharCode(high, code) : String.fromCodePoint(code));
    high = 0;
  }
  if (high !== 0) throw invalidPair();
  return out.text();
}
fn('unistr(text) text', unescape);

fn(
  'is_normalized(text, text) bool',
  (text: string, form: string) => {
    if (!/^nfk?[cd]$/i.test(form)) throw sqlError('22023', `invalid normalization form: ${form}`);
    return text.normalize(form.toUpperCase()) === text;
  },
  { defaults: ['NFC'] },
);

fn('to_ascii(text) text', () => {
  throw sqlError('0A000', 'encoding conversion from UTF8 to ASCII not supported');
});
