/**
 * pg_timezone_names and pg_timezone_abbrevs: what the engine's time zones, and PostgreSQL's abbreviations, are at the transaction's
 * beginning. The engine lists one name of each zone; the others that tzdata has stand here. The names are made once for each quarter
 * of an hour, as no zone changes in between: it takes some tenths of a second. Unlike on systems that have it, no zone stands twice, under posix/.
 */
import { assert } from '../../../base/assert.js';
import { abbreviationFacts, zoneFacts } from '../../types/calendar.js';
import { Interval } from '../../types/datum.js';
import { ABBREVIATION_WORDS } from '../../types/zone-abbreviations.js';
import type { Values } from './layout.js';
import type { Source } from './model.js';

const OTHER_NAMES = `
Africa/Asmara Africa/Timbuktu America/Argentina/Buenos_Aires America/Argentina/Catamarca
America/Argentina/ComodRivadavia America/Argentina/Cordoba America/Argentina/Jujuy America/Argentina/Mendoza
America/Atikokan America/Atka America/Ensenada America/Fort_Wayne America/Indiana/Indianapolis
America/Kentucky/Louisville America/Knox_IN America/Montreal America/Nipigon America/Nuuk America/Pangnirtung
America/Porto_Acre America/Rainy_River America/Rosario America/Santa_Isabel America/Shiprock America/Thunder_Bay
America/Virgin America/Yellowknife Antarctica/South_Pole Asia/Ashkhabad Asia/Choibalsan Asia/Chongqing Asia/Chungking
Asia/Dacca Asia/Harbin Asia/Ho_Chi_Minh Asia/Istanbul Asia/Kashgar Asia/Kathmandu Asia/Kolkata Asia/Macao
Asia/Tel_Aviv Asia/Thimbu Asia/Ujung_Pandang Asia/Ulan_Bator Asia/Yangon Atlantic/Faroe Atlantic/Jan_Mayen
Australia/ACT Australia/Canberra Australia/Currie Australia/LHI Australia/NSW Australia/North Australia/Queensland
Australia/South Australia/Tasmania Australia/Victoria Australia/West Australia/Yancowinna Brazil/Acre Brazil/DeNoronha
Brazil/East Brazil/West CET CST6CDT Canada/Atlantic Canada/Central Canada/Eastern Canada/Mountain Canada/Newfoundland
Canada/Pacific Canada/Saskatchewan Canada/Yukon Chile/Continental Chile/EasterIsland Cuba EET EST EST5EDT Egypt Eire
Etc/GMT Etc/GMT+0 Etc/GMT+1 Etc/GMT+10 Etc/GMT+11 Etc/GMT+12 Etc/GMT+2 Etc/GMT+3 Etc/GMT+4 Etc/GMT+5 Etc/GMT+6
Etc/GMT+7 Etc/GMT+8 Etc/GMT+9 Etc/GMT-0 Etc/GMT-1 Etc/GMT-10 Etc/GMT-11 Etc/GMT-12 Etc/GMT-13 Etc/GMT-14 Etc/GMT-2
Etc/GMT-3 Etc/GMT-4 Etc/GMT-5 Etc/GMT-6 Etc/GMT-7 Etc/GMT-8 Etc/GMT-9 Etc/GMT0 Etc/Greenwich Etc/UCT Etc/UTC
Etc/Universal Etc/Zulu Europe/Belfast Europe/Kyiv Europe/Nicosia Europe/Tiraspol Europe/Uzhgorod Europe/Zaporozhye GB
GB-Eire GMT GMT+0 GMT-0 GMT0 Greenwich HST Hongkong Iceland Iran Israel Jamaica Japan Kwajalein Libya MET MST MST7MDT
Mexico/BajaNorte Mexico/BajaSur Mexico/General NZ NZ-CHAT Navajo PRC PST8PDT Pacific/Chuuk Pacific/Johnston
Pacific/Kanton Pacific/Pohnpei Pacific/Samoa Pacific/Yap Poland Portugal ROC ROK Singapore Turkey UCT US/Alaska
US/Aleutian US/Arizona US/Central US/East-Indiana US/Eastern US/Hawaii US/Indiana-Starke US/Michigan US/Mountain
US/Pacific US/Samoa UTC Universal W-SU WET Zulu`
  .trim()
  .split(/\s+/);

const QUARTER = 900_000_000n;
const offset = (seconds: number): Interval => new Interval(0, 0, BigInt(seconds) * 1_000_000n);

let kept: { readonly quarter: bigint; readonly rows: readonly Values[] } | null = null;

export function timeZoneNames({ ctx }: Pick<Source, 'ctx'>): Iterable<Values> {
  const now = ctx.format.transactionNow;
  const quarter = now / QUARTER;
  if (kept?.quarter !== quarter) {
    const rows = [...Intl.supportedValuesOf('timeZone'), ...OTHER_NAMES].flatMap((name) => {
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
