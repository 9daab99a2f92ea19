/**
 * pg_timezone_names and pg_timezone_abbrevs: what the engine's time zones, and PostgreSQL's abbreviations, are at the transaction's
 * beginning. The rows are made once for each quarter
 * of an hour, as no zone changes in between: it takes some tenths of a second. Unlike on systems that have it, no zone stands twice, under posix/.
 */
import { assert } from '../../../base/assert.js';
import { abbreviationFacts, zoneFacts } from '../../types/calendar.js';
import { Interval } from '../../types/datum.js';
import { ABBREVIATION_WORDS } from '../../types/zone-abbreviations.js';
import { ZONE_NAMES } from '../../types/zone-names.js';
import type { Values } from './layout.js';
import type { Source } from './model.js';

const QUARTER = 900_000_000n;
const offset = (seconds: number): Interval => new Interval(0, 0, BigInt(seconds) * 1_000_000n);

let kept: { readonly quarter: bigint; readonly rows: readonly Values[] } | null = null;

export function timeZoneNames({ ctx }: Pick<Source, 'ctx'>): Iterable<Values> {
  const now = ctx.format.transactionNow;
  const quarter = now / QUARTER;
  if (kept?.quarter !== quarter) {
    const rows = ZONE_NAMES.flatMap((name) => {
      const facts = zoneFacts(name, now);
      if (facts === null) return [];
      return [{ name, abbrev: facts.abbreviation, utc_offset: offset(facts.offset), is_dst: facts.isDaylight }];
    });
    kept = { quarter, rows };
  }
  return kept.rows;
}

export function* timeZoneAbbreviations({ ctx }: Pick<Source, 'ctx'>): Iterable<Values> {
  for (const word of ABBREVIATION_WORDS) {
    const facts = abbreviationFacts(word, ctx.format.transactionNow);
    assert(facts !== null, 'an abbreviation of the list means something');
    yield { abbrev: word.toUpperCase(), utc_offset: offset(facts.offset), is_dst: facts.isDaylight };
  }
}
