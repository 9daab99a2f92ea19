/** Identifiers as SQL text: quoted where PostgreSQL's quote_identifier quotes them. */

const RESERVED: ReadonlySet<string> = new Set(
  (
    'all analyse analyze and any array as asc asymmetric both case cast check collate column constraint create current_catalog current_date ' +
    'current_role current_time current_timestamp current_user default deferrable desc distinct do else end except false fetch for foreign from grant ' +
    'group having in initially intersect into lateral leading limit localtime localtimestamp not null offset on only or order placing primary ' +
    'references returning select session_user some symmetric table then to trailing true union unique user using variadic when where window with ' +
    'between bigint bit boolean char character coalesce dec decimal exists extract float greatest grouping inout int integer interval least national ' +
    'nchar none nullif numeric out overlay position precision real row setof smallint substring time timestamp treat trim values varchar ' +
    'authorization binary concurrently cross current_schema freeze full ilike inner is isnull join left like natural notnull outer overlaps right similar verbose'
  ).split(' '),
);

export function quoteIdentifier(name: string): string {
  return /^[a-z_][a-z0-9_$]*$/.test(name) && !RESERVED.has(name) ? name : `"${name.replaceAll('"', '""')}"`;
}
