/** Names of characters in brackets, `[[.hyphen.]]`: those of POSIX's portable character set. */
const CONTROLS =
  'NUL SOH STX ETX EOT ENQ ACK BEL BS HT LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC IS4 IS3 IS2 IS1';
const SIGNS =
  'space exclamation-mark quotation-mark number-sign dollar-sign percent-sign ampersand apostrophe left-parenthesis ' +
  'right-parenthesis asterisk plus-sign comma hyphen period slash zero one two three four five six seven eight nine ' +
  'colon semicolon less-than-sign equals-sign greater-than-sign question-mark commercial-at';
const OTHERS: readonly (readonly [string, string])[] = [
  ['[', 'left-square-bracket'],
  ['\\', 'backslash reverse-solidus'],
  [']', 'right-square-bracket'],
  ['^', 'circumflex circumflex-accent'],
  ['_', 'underscore low-line'],
  ['`', 'grave-accent'],
  ['{', 'left-brace left-curly-bracket'],
  ['|', 'vertical-line'],
  ['}', 'right-brace right-curly-bracket'],
  ['~', 'tilde'],
  ['-', 'hyphen-minus'],
  ['.', 'full-stop'],
  ['/', 'solidus'],
  ['\u0007', 'alert'],
  ['\b', 'backspace'],
  ['\t', 'tab'],
  ['\n', 'newline'],
  ['\v', 'vertical-tab'],
  ['\f', 'form-feed'],
  ['\r', 'carriage-return'],
  ['\u001c', 'FS'],
  ['\u001d', 'GS'],
  ['\u001e', 'RS'],
  ['\u001f', 'US'],
  ['\u007f', 'DEL'],
];

const CODES: ReadonlyMap<string, number> = new Map([
  ...CONTROLS.split(' ').map((name, code) => [name, code] as const),
  ...SIGNS.split(' ').map((name, i) => [name, 32 + i] as const),
  ...OTHERS.flatMap(([character, names]) => names.split(' ').map((name) => [name, character.charCodeAt(0)] as const)),
]);

/** The code of the character that has the name; undefined if none has. */
export function characterNamed(name: string): number | undefined {
  return CODES.get(name);
}
