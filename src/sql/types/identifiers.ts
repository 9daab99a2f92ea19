/** Identifiers as SQL text: quoted where PostgreSQL's quote_identifier quotes them. */
import { sqlError } from '../../base/errors.js';

const RESERVED: ReadonlySet<string> = new Set(
  (
    'all analyse analyze and any array as asc asymmetric both case cast check collate collation column constraint create current_catalog current_date ' +
    'current_role current_time current_timestamp current_user default deferrable desc distinct do else end except false fetch for foreign from grant ' +
    'group having in initially intersect into lateral leading limit localtime localtimestamp not null offset on only or order placing primary ' +
    'references returning select session_user some symmetric table then to trailing true union unique user using variadic when where window with ' +
    'between bigint bit boolean char character coalesce dec decimal exists extract float greatest grouping inout int integer interval least national ' +
    'nchar none normalize nullif numeric out overlay position precision real row setof smallint substring time timestamp treat trim values varchar ' +
    'authorization binary concurrently cross current_schema freeze full ilike inner is isnull join left like natural notnull outer overlaps right similar tablesample verbose ' +
    'xmlattributes xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable'
  ).split(' '),
);

/** Called for each name that catalog functions show: a loop, which takes a third of a regular expression's time. */
export function isPlainIdentifier(name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    const c = name.charCodeAt(i);
    const isLetter = (c >= 97 && c <= 122) || c === 95;
    if (!isLetter && (i === 0 || c < 48 || c > 57)) return false;
  }
  return name !== '' && !RESERVED.has(name);
}

export function quoteIdentifier(name: string): string {
  return isPlainIdentifier(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

/** Of a name in which nothing is quoted or changes its case, as most are; null: it is another. */
function plainParts(text: string): string[] | null {
  const parts: string[] = [];
  let from = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 46) {
      if (i === from) return null;
      parts.push(text.slice(from, i));
      from = i + 1;
    } else if (!((c >= 97 && c <= 122) || c === 95 || (c >= 48 && c <= 57))) return null;
  }
  if (from === text.length) return null;
  parts.push(text.slice(from));
  return parts;
}

/** 'a.b', '"A"."b"' or 'x' into its parts. */
export function splitName(text: string): string[] {
  return plainParts(text) ?? anyParts(text);
}

function anyParts(text: string): string[] {
  const parts: string[] = [];
  const pattern = /\s*(?:"((?:[^"]|"")+)"|([^".\s][^.\s]*))\s*(\.|$)/gy;
  let end = 0;
  for (let m = pattern.exec(text); m !== null; m = pattern.exec(text)) {
    parts.push(m[1] !== undefined ? m[1].replaceAll('""', '"') : m[2]!.toLowerCase());
    end = pattern.lastIndex;
    if (m[3] === '') break;
  }
  if (parts.length === 0 || end < text.length) throw sqlError('42602', 'invalid name syntax');
  return parts;
}
