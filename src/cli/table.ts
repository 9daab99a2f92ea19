/**
 * Rows as aligned text. Widths are those of the rows of one page, so a long result is printed in
 * pages and never held whole. NULL is shown as such; control characters are made visible, so that
 * data cannot drive the terminal.
 */
export interface TableColumn {
  readonly name: string;
  /** Numbers: to the right. */
  readonly right: boolean;
}

export type TableRow = readonly (string | null)[];

export const PAGE_ROWS = 1_000;

export function formatTable(columns: readonly TableColumn[], rows: readonly TableRow[], header: boolean): string {
  const cells = rows.map((row) => row.map((value) => shown(value)));
  const names = columns.map((column) => visible(column.name));
  const widths = names.map((name, i) =>
    cells.reduce((max, row) => Math.max(max, width(row[i] as string)), width(name)),
  );
  const line = (row: readonly string[], align: (text: string, i: number) => string): string =>
    ` ${row.map(align).join(' | ')}`.trimEnd();
  const out: string[] = [];
  if (header) {
    out.push(line(names, (text, i) => center(text, widths[i] as number)));
    out.push(widths.map((each) => '-'.repeat(each + 2)).join('+'));
  }
  for (const row of cells) out.push(line(row, (text, i) => pad(text, widths[i] as number, columns[i]?.right ?? false)));
  return out.length === 0 ? '' : `${out.join('\n')}\n`;
}

/** One column a line, as `\x` has it. `first` is the number of the first row. */
export function formatExpanded(columns: readonly TableColumn[], rows: readonly TableRow[], first: number): string {
  const names = columns.map((column) => visible(column.name));
  const nameWidth = Math.max(0, ...names.map(width));
  let out = '';
  for (const [index, row] of rows.entries()) {
    out += `-[ RECORD ${first + index} ]${'-'.repeat(Math.max(1, nameWidth))}\n`;
    for (const [i, value] of row.entries()) out += `${pad(names[i] ?? '', nameWidth, false)} | ${shown(value)}\n`;
  }
  return out;
}

function shown(value: string | null): string {
  return value === null ? 'NULL' : visible(value);
}

function visible(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (char) => {
    if (char === '\n') return '\\n';
    if (char === '\t') return '\\t';
    if (char === '\r') return '\\r';
    return `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}

/** Columns on a terminal: wide East Asian characters and most emoji take two, marks none. */
export function width(text: string): number {
  let columns = 0;
  for (const char of text) columns += charWidth(char.codePointAt(0) as number, char);
  return columns;
}

function charWidth(code: number, char: string): number {
  if (code < 0x300) return 1;
  if (/\p{M}/u.test(char) || code === 0x200d || (code >= 0xfe00 && code <= 0xfe0f)) return 0;
  const wide =
    (code >= 0x1100 && code <= 0x115f) ||
    (code >= 0x2e80 && code <= 0xa4cf) ||
    (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0xfe30 && code <= 0xfe6f) ||
    (code >= 0xff00 && code <= 0xff60) ||
    (code >= 0xffe0 && code <= 0xffe6) ||
    (code >= 0x1f300 && code <= 0x1faff) ||
    (code >= 0x20000 && code <= 0x3fffd);
  return wide ? 2 : 1;
}

function pad(text: string, to: number, right: boolean): string {
  const fill = ' '.repeat(Math.max(0, to - width(text)));
  return right ? fill + text : text + fill;
}

function center(text: string, to: number): string {
  const fill = Math.max(0, to - width(text));
  const left = Math.floor(fill / 2);
  return ' '.repeat(left) + text + ' '.repeat(fill - left);
}
