/** RAISE: the message from its format, the options, the error or the notice that comes of it. */
import { type QuoralError, sqlError } from '../../base/errors.js';
import type { Notice } from '../session-api.js';
import { sqlstatesOf } from './conditions.js';
import type { RaiseLevel } from './tree.js';

export interface RaisedOption {
  readonly name: string;
  readonly value: string | null;
}

export interface Raised {
  readonly level: RaiseLevel;
  readonly format: string | null;
  readonly args: readonly (string | null)[];
  readonly sqlstate: string | null;
  readonly condition: string | null;
  readonly options: readonly RaisedOption[];
}

/** What a RAISE says, its pieces computed one after the other. */
export async function readRaise<Piece>(
  statement: Omit<Raised, 'args' | 'options'> & {
    readonly args: readonly Piece[];
    readonly options: readonly { readonly name: string; readonly value: Piece }[];
  },
  read: (piece: Piece) => Promise<string | null>,
): Promise<Raised> {
  const args: (string | null)[] = [];
  for (const piece of statement.args) args.push(await read(piece));
  const options: RaisedOption[] = [];
  for (const { name, value } of statement.options) options.push({ name, value: await read(value) });
  return { ...statement, args, options };
}

export function formatMessage(format: string, args: readonly (string | null)[]): string {
  let next = 0;
  return format.replace(/%%|%/g, (sign) => (sign === '%%' ? '%' : (args[next++] ?? '<NULL>')));
}

function recognise(text: string): string {
  if (/^[0-9A-Z]{5}$/.test(text)) return text;
  const states = sqlstatesOf(text);
  if (states === null) throw sqlError('42704', `unrecognized exception condition "${text}"`);
  return states[0]!;
}

interface Said {
  readonly sqlstate: string | null;
  readonly message: string;
  readonly fields: ReadonlyMap<string, string>;
}

function said(raised: Raised): Said {
  let { sqlstate, condition } = raised;
  const fields = new Map<string, string>();
  if (raised.format !== null) fields.set('message', formatMessage(raised.format, raised.args));
  for (const { name, value } of raised.options) {
    if (value === null) throw sqlError('22004', 'RAISE statement option cannot be null');
    if (name === 'errcode') {
      if (sqlstate !== null) throw sqlError('42601', 'RAISE option already specified: ERRCODE');
      sqlstate = recognise(value);
      condition = value;
    } else {
      if (fields.has(name)) throw sqlError('42601', `RAISE option already specified: ${name.toUpperCase()}`);
      fields.set(name, value);
    }
  }
  const message = fields.get('message') ?? condition ?? sqlstate ?? 'P0001';
  return { sqlstate, message, fields };
}

export function raisedError(raised: Raised): QuoralError {
  const { sqlstate, message, fields } = said(raised);
  return sqlError(sqlstate ?? 'P0001', message, {
    detail: fields.get('detail'),
    hint: fields.get('hint'),
    schema: fields.get('schema'),
    table: fields.get('table'),
    column: fields.get('column'),
    dataType: fields.get('datatype'),
    constraint: fields.get('constraint'),
  });
}

export function raisedNotice(raised: Raised): Notice {
  const { sqlstate, message, fields } = said(raised);
  const severity = raised.level === 'EXCEPTION' ? 'NOTICE' : raised.level;
  return {
    severity,
    sqlstate: sqlstate ?? (severity === 'WARNING' ? '01000' : '00000'),
    message,
    detail: fields.get('detail'),
    hint: fields.get('hint'),
  };
}
