/**
 * pg_timezone_names and pg_timezone_abbrevs: the zones that the engine knows by their names, with what holds in them now, and the
 * abbreviations that are read.
 *
 * PostgreSQL lists the files of the machine it runs on, copies under posix/ among them, which are not here.
 */
import { findAbbreviation, findZone, type Zone, zoneAbbreviation, zoneOffset } from '../../types/calendar.js';
import { Interval } from '../../types/datum.js';
import { allAbbreviations } from '../../types/zone-abbreviations.js';
import type { Values } from './layout.js';
import type { Source } from './model.js';

const HOUR_MICROS = 3_600_000_000n;
const HALF_YEAR_MICROS = 182n * 24n * HOUR_MICROS;

/** tzdata's names that the engine knows and does not list: by their first part. A line that begins with blanks continues one. */
const UNLISTED = `
Africa: Asmara Timbuktu
America: Argentina/Buenos_Aires Argentina/Catamarca Argentina/ComodRivadavia Argentina/Cordoba Argentina/Jujuy
  Argentina/Mendoza Atikokan Atka Ensenada Fort_Wayne Indiana/Indianapolis Kentucky/Louisville Knox_IN Montreal
  Nipigon Nuuk Pangnirtung Porto_Acre Rainy_River Rosario Santa_Isabel Shiprock Thunder_Bay Virgin Yellowknife
Antarctica: South_Pole
Asia: Ashkhabad Choibalsan Chongqing Chungking Dacca Harbin Ho_Chi_Minh Istanbul Kashgar Kathmandu Kolkata Macao
  Tel_Aviv Thimbu Ujung_Pandang Ulan_Bator Yangon
Atlantic: Faroe Jan_Mayen
Australia: ACT Canberra Currie LHI NSW North Queensland South Tasmania Victoria West Yancowinna
Brazil: Acre DeNoronha East West
: CET CST6CDT Cuba EET EST EST5EDT Egypt Eire GB GB-Eire GMT GMT+0 GMT-0 GMT0 Greenwich HST Hongkong Iceland Iran
  Israel Jamaica Japan Kwajalein Libya MET MST MST7MDT NZ NZ-CHAT Navajo PRC PST8PDT Poland Portugal ROC ROK Singapore
  Turkey UCT Universal W-SU WET Zulu
Canada: Atlantic Central Eastern Mountain Newfoundland Pacific Saskatchewan Yukon
Chile: Continental EasterIsland
Etc: GMT GMT+0 GMT+1 GMT+10 GMT+11 GMT+12 GMT+2 GMT+3 GMT+4 GMT+5 GMT+6 GMT+7 GMT+8 GMT+9 GMT-0 GMT-1 GMT-10 GMT-11
  GMT-12 GMT-13 GMT-14 GMT-2 GMT-3 GMT-4 GMT-5 GMT-6 GMT-7 GMT-8 GMT-9 GMT0 Greenwich UCT UTC Universal Zulu
Europe: Belfast Kyiv Nicosia Tiraspol Uzhgorod Zaporozhye
Mexico: BajaNorte BajaSur General
Pacific: Chuuk Johnston Kanton Pohnpei Samoa Yap
US: Alaska Aleutian Arizona Central East-Indiana Eastern Hawaii Indiana-Starke Michigan Mountain Pacific Samoa`;

function unlisted(): string[] {
  const lines = UNLISTED.trim().replaceAll('\n  ', ' ').split('\n');
  return lines.flatMap((line) => {
    const [area = '', names = ''] = line.split(': ');
    return names.split(' ').map((name) => (area === '' ? name : `${area}/${name}`));
  });
}

/** To look at all zones takes long, and what holds in them changes on the hour or half hour. */
let kept: { readonly at: bigint; readonly rows: readonly Values[] } | null = null;

export function zoneNames({ ctx }: Source): readonly Values[] {
  const now = ctx.format.statementNow;
  const at = (2n * now) / HOUR_MICROS;
  if (kept?.at !== at) {
    const names = new Set(['UTC', ...unlisted(), ...Intl.supportedValuesOf('timeZone')]);
    kept = { at, rows: [...names].sort().flatMap((name) => zoneRow(name, now)) };
  }
  return kept.rows;
}

function zoneRow(name: string, now: bigint): Values[] {
  const zone = findZone(name);
  if (zone === null) return [];
  const summer = isSummer(zone, now);
  return [{ name, abbrev: zoneAbbreviation(zone, now), utc_offset: offset(zone, now), is_dst: summer }];
}

function isSummer(zone: Zone, now: bigint): boolean {
  const east = zoneOffset(zone, now);
  return east > Math.min(zoneOffset(zone, now - HALF_YEAR_MICROS), zoneOffset(zone, now + HALF_YEAR_MICROS));
}

function offset(zone: Zone, now: bigint): Interval {
  return new Interval(0, 0, BigInt(zoneOffset(zone, now)) * 1_000_000n);
}

export function zoneAbbreviations({ ctx }: Source): Values[] {
  const now = ctx.format.statementNow;
  return [...allAbbreviations()].sort().flatMap((word) => {
    const zone = findAbbreviation(word);
    if (zone === null) return [];
    const is_dst = zone.isDaylight ?? isSummer(zone, now);
    return [{ abbrev: word.toUpperCase(), utc_offset: offset(zone, now), is_dst }];
  });
}
