/** The options of COPY, checked one with another in PostgreSQL's order. */
import type { DefElem, Node } from 'libpg-query';
import { sqlError } from '../../base/errors.js';
import type { TableDescriptor } from '../catalog/descriptor.js';
import { BINARY_OPTIONS, CSV_OPTIONS, TEXT_OPTIONS } from '../exec/copy-format.js';
import type { CopyOptions } from '../exec/copy-format.js';
import { type Encoding, findEncoding } from '../types/encodings.js';
import { as, stringsOf } from './ast.js';
import { errorAt } from './binder.js';

const KNOWN: ReadonlySet<string> = new Set([
  'format',
  'delimiter',
  'null',
  'header',
  'quote',
  'escape',
  'freeze',
  'encoding',
  'force_quote',
  'force_not_null',
  'force_null',
]);

type Given = ReadonlyMap<string, DefElem>;

/** What is copied: names in the order of the data, and the table if it is one. */
export interface CopiedNames {
  readonly names: readonly string[];
  readonly table: TableDescriptor | null;
}

export function copyOptions(nodes: readonly Node[], isFrom: boolean, copied: CopiedNames): CopyOptions {
  const given = collect(nodes);
  const format = given.has('format') ? optionText(given.get('format')!) : 'text';
  if (format !== 'binary' && format !== 'text' && format !== 'csv')
    throw errorAt('22023', `COPY format "${format}" not recognized`, given.get('format')?.location ?? -1);
  const header = headerOf(given.get('header'), isFrom);
  if (given.has('freeze')) optionBool(given.get('freeze')!);
  for (const name of ['force_quote', 'force_not_null', 'force_null']) checkList(name, given.get(name));
  if (format === 'binary') checkBinary(given, header.header);
  else checkCharacters(given, format);
  checkForced(given, format, isFrom);
  const freeze = given.has('freeze') && optionBool(given.get('freeze')!);
  if (freeze && !isFrom) throw sqlError('0A000', 'COPY freeze cannot be used with COPY TO');
  const base = { binary: BINARY_OPTIONS, csv: CSV_OPTIONS, text: TEXT_OPTIONS }[format];
  const quote = textOf(given, 'quote', base.quote);
  return {
    ...base,
    ...header,
    freeze,
    encoding: encodingOf(given.get('encoding')),
    delimiter: textOf(given, 'delimiter', base.delimiter),
    nullText: textOf(given, 'null', base.nullText),
    quote,
    escape: textOf(given, 'escape', quote),
    forceQuote: isAll(given.get('force_quote')) ? 'all' : forced('force_quote', given, copied),
    forceNotNull: forced('force_not_null', given, copied),
    forceNull: forced('force_null', given, copied),
  };
}

function collect(nodes: readonly Node[]): Given {
  const given = new Map<string, DefElem>();
  for (const node of nodes) {
    const option = as(node, 'DefElem')!;
    const name = option.defname ?? '';
    if (!KNOWN.has(name)) throw errorAt('42601', `option "${name}" not recognized`, option.location ?? -1);
    if (given.has(name)) throw errorAt('42601', 'conflicting or redundant options', option.location ?? -1);
    given.set(name, option);
  }
  return given;
}

function optionText(option: DefElem): string {
  const arg = option.arg;
  if (arg === undefined) return 'true';
  const text = as(arg, 'String')?.sval;
  if (text !== undefined) return text;
  const integer = as(arg, 'Integer');
  if (integer !== undefined) return String(integer.ival ?? 0);
  const bool = as(arg, 'Boolean');
  if (bool !== undefined) return String(bool.boolval ?? false);
  return '';
}

function textOf(given: Given, name: string, fallback: string): string {
  return given.has(name) ? optionText(given.get(name)!) : fallback;
}

function asBool(option: DefElem): boolean | null {
  const text = optionText(option).toLowerCase();
  if (['true', 'on', '1'].includes(text)) return true;
  return ['false', 'off', '0'].includes(text) ? false : null;
}

function optionBool(option: DefElem): boolean {
  const value = asBool(option);
  if (value === null) throw sqlError('42601', `${option.defname ?? ''} requires a Boolean value`);
  return value;
}

function headerOf(option: DefElem | undefined, isFrom: boolean): Pick<CopyOptions, 'header' | 'matchHeader'> {
  if (option === undefined) return { header: false, matchHeader: false };
  if (optionText(option).toLowerCase() === 'match') {
    if (!isFrom) throw sqlError('0A000', 'cannot use "match" with HEADER in COPY TO');
    return { header: true, matchHeader: true };
  }
  const header = asBool(option);
  if (header === null) throw sqlError('42601', 'header requires a Boolean value or "match"');
  return { header, matchHeader: false };
}

/** null: the client's. */
function encodingOf(option: DefElem | undefined): Encoding | null {
  if (option === undefined) return null;
  const name = optionText(option);
  const found = findEncoding(name);
  if (found === null)
    throw errorAt('22023', 'argument to option "encoding" must be a valid encoding name', option.location ?? -1);
  if (!found.isConvertible) throw sqlError('0A000', `COPY in encoding "${found.name}" is not supported`);
  return found;
}

function checkList(name: string, option: DefElem | undefined): void {
  if (option === undefined || as(option.arg, 'List') !== undefined) return;
  if (name === 'force_quote' && isAll(option)) return;
  throw errorAt('22023', `argument to option "${name}" must be a list of column names`, option.location ?? -1);
}

function isAll(option: DefElem | undefined): boolean {
  return option?.arg !== undefined && as(option.arg, 'A_Star') !== undefined;
}

function checkBinary(given: Given, header: boolean): void {
  if (given.has('delimiter')) throw sqlError('42601', 'cannot specify DELIMITER in BINARY mode');
  if (given.has('null')) throw sqlError('42601', 'cannot specify NULL in BINARY mode');
  if (header) throw sqlError('0A000', 'cannot specify HEADER in BINARY mode');
  for (const name of ['quote', 'escape']) {
    if (given.has(name)) throw sqlError('0A000', `COPY ${name} available only in CSV mode`);
  }
}

function checkCharacters(given: Given, format: 'text' | 'csv'): void {
  const base = format === 'csv' ? CSV_OPTIONS : TEXT_OPTIONS;
  const delimiter = textOf(given, 'delimiter', base.delimiter);
  const nullText = textOf(given, 'null', base.nullText);
  const quote = textOf(given, 'quote', base.quote);
  const single = (name: string, text: string): void => {
    if (Buffer.byteLength(text) !== 1) throw sqlError('0A000', `COPY ${name} must be a single one-byte character`);
  };
  single('delimiter', delimiter);
  if (/[\r\n]/.test(delimiter)) throw sqlError('22023', 'COPY delimiter cannot be newline or carriage return');
  if (/[\r\n]/.test(nullText))
    throw sqlError('22023', 'COPY null representation cannot use newline or carriage return');
  if (format === 'text' && /[\\.a-z0-9]/.test(delimiter))
    throw sqlError('22023', `COPY delimiter cannot be "${delimiter}"`);
  if (format === 'text' && given.has('quote')) throw sqlError('0A000', 'COPY quote available only in CSV mode');
  if (format === 'csv') single('quote', quote);
  if (format === 'csv' && delimiter === quote) throw sqlError('22023', 'COPY delimiter and quote must be different');
  if (format === 'text' && given.has('escape')) throw sqlError('0A000', 'COPY escape available only in CSV mode');
  if (format === 'csv') single('escape', textOf(given, 'escape', quote));
  if (nullText.includes(delimiter)) throw sqlError('0A000', 'COPY delimiter must not appear in the NULL specification');
  if (format === 'csv' && nullText.includes(quote))
    throw sqlError('0A000', 'CSV quote character must not appear in the NULL specification');
}

function checkForced(given: Given, format: string, isFrom: boolean): void {
  for (const [name, direction, right] of [
    ['force_quote', 'TO', !isFrom],
    ['force_not_null', 'FROM', isFrom],
    ['force_null', 'FROM', isFrom],
  ] as const) {
    if (!given.has(name)) continue;
    const shown = name.replaceAll('_', ' ');
    if (format !== 'csv') throw sqlError('0A000', `COPY ${shown} available only in CSV mode`);
    if (!right) throw sqlError('0A000', `COPY ${shown} only available using COPY ${direction}`);
  }
}

/** Places of the named columns in the data. */
function forced(name: string, given: Given, { names, table }: CopiedNames): ReadonlySet<number> {
  const columns = stringsOf(as(given.get(name)?.arg, 'List')?.items);
  const places = columns.map((column) => {
    if (table !== null && !table.columns.some((c) => c.name === column && !c.dropped && !c.hidden))
      throw sqlError('42703', `column "${column}" of relation "${table.name}" does not exist`);
    const at = names.indexOf(column);
    if (at < 0 && table === null) throw sqlError('42703', `column "${column}" does not exist`);
    if (at < 0) throw sqlError('42P10', `${name.toUpperCase()} column "${column}" not referenced by COPY`);
    return at;
  });
  return new Set(places);
}
