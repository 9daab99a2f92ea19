/**
 * Abbreviations of time zones: those of PostgreSQL's default list, as they are read, and those of the zones, as the
 * styles of DateStyle that write names show them. The engine's data has no abbreviations but for a few countries:
 * they are taken from its English names of zones, and a zone without one shows its offset, as tzdata does.
 */

/** Offset from UTC, then the abbreviations that mean it. */
const STANDARD = `
-10:00 hst taht
-09:30 mart
-09:00 akst gamt
-08:00 pst
-07:00 mst
-06:00 cst galt
-05:00 act cot est pet
-04:00 amt ast bot
-03:30 nft nst
-03:00 bra brt gft pmst uyt wgt
-02:00 fnt
-01:00 azot egt
+00:00 gmt uct ut utc wet z zulu
+01:00 cet met mez wat
+02:00 eet ist sast
+03:00 eat fet
+03:30 irt
+04:00 mut ret sct
+04:30 aft
+05:00 mvt pkt tft tjt uzt
+05:45 npt
+06:00 almt bdt btt xjt
+06:30 mmt
+07:00 cxt ict wast
+08:00 awst bnt bort cct hkt myt pht
+08:45 acwst
+09:00 jayt jst kst pwt
+09:30 acst cast
+10:00 aest chut ddut ligt mpt pgt trut yapt
+10:30 lhst
+11:00 pont vut
+12:00 fjt gilt mht nzst nzt tvt wakt wft
+12:45 chast
+13:00 tot`;
const DAYLIGHT = `
-08:00 akdt
-07:00 pdt
-06:00 mdt
-05:00 cdt
-04:00 edt
-03:00 adt clst pyst
-02:30 ndt
-02:00 brst pmdt uyst wgst
-01:00 fnst
+00:00 azost egst
+01:00 bst wetdst
+02:00 bdst cest cetdst mest mesz metdst
+03:00 eest eetdst idt
+04:00 msd
+05:00 must
+06:00 kgst pkst uzst yekst
+07:00 almst
+08:00 wadt
+09:00 awsst ulast wdt
+10:00 kdt
+10:30 acdt acsst cadt sadt
+11:00 aedt aesst
+13:00 fjst nzdt
+13:45 chadt`;
/** Those that have meant several offsets: what the zone has at the time. */
const DYNAMIC = `
America/Argentina/Buenos_Aires arst art
America/Asuncion pyt
America/Caracas vet
America/Guyana gyt
America/Santiago clt
Antarctica/Davis davt
Antarctica/Mawson mawt
Asia/Anadyr anast anat
Asia/Ashgabat tmt
Asia/Baku azst azt
Asia/Bishkek kgt
Asia/Colombo lkt
Asia/Irkutsk irkst irkt
Asia/Kamchatka petst pett
Asia/Krasnoyarsk krast krat
Asia/Magadan magst magt
Asia/Novosibirsk novst novt
Asia/Omsk omsst omst
Asia/Singapore sgt
Asia/Tbilisi gest get
Asia/Ulaanbaatar ulat
Asia/Vladivostok vlast vlat
Asia/Yakutsk yakst yakt
Asia/Yekaterinburg yekt
Asia/Yerevan amst
Atlantic/Stanley fkst fkt
Australia/Lord_Howe lhdt
Europe/Moscow msk
Europe/Volgograd volt
Indian/Chagos iot
Pacific/Easter easst east
Pacific/Fakaofo tkt
Pacific/Kiritimati lint
Pacific/Kosrae kost
Pacific/Niue nut
Pacific/Rarotonga ckt`;

export interface Abbreviation {
  /** Seconds east of UTC, or the zone that tells it. */
  readonly meaning: number | string;
  readonly isDaylight: boolean;
  /** Those that tzdata has too mean what they meant at the time, also in the half of the year that has another one. */
  readonly history?: readonly (readonly [from: number, offset: number])[];
}

/** Seconds since 2000-01-01 UTC. */
const HISTORIES: Readonly<Record<string, NonNullable<Abbreviation['history']>>> = {
  msk: [
    [-Infinity, 10_800],
    [Date.UTC(2011, 2, 26, 23) / 1000 - 946_684_800, 14_400],
    [Date.UTC(2014, 9, 25, 22) / 1000 - 946_684_800, 10_800],
  ],
};

function secondsOf(text: string): number {
  const seconds = Number(text.slice(1, 3)) * 3600 + Number(text.slice(4)) * 60;
  return text.startsWith('-') ? -seconds : seconds;
}

function table(): ReadonlyMap<string, Abbreviation> {
  const all = new Map<string, Abbreviation>();
  const add = (lines: string, isDaylight: boolean, meaning: (text: string) => number | string): void => {
    for (const line of lines.trim().split('\n')) {
      const [first = '', ...names] = line.split(' ');
      for (const name of names) {
        const history = HISTORIES[name];
        all.set(name, { meaning: meaning(first), isDaylight, ...(history === undefined ? {} : { history }) });
      }
    }
  };
  add(STANDARD, false, secondsOf);
  add(DAYLIGHT, true, secondsOf);
  add(DYNAMIC, false, (zone) => zone);
  return all;
}

const ABBREVIATIONS = table();

/** `word` in lower case. */
export function abbreviationOf(word: string): Abbreviation | undefined {
  return ABBREVIATIONS.get(word);
}

/** In lower case. */
export function allAbbreviations(): Iterable<string> {
  return ABBREVIATIONS.keys();
}

/** By the first words of the engine's long names; the letters before S and D stand in both halves of the year. */
const LONG_NAMES: Readonly<Record<string, string>> = {
  'Eastern Standard Time': 'EST',
  'Eastern Daylight Time': 'EDT',
  'Central Standard Time': 'CST',
  'Central Daylight Time': 'CDT',
  'Mountain Standard Time': 'MST',
  'Mountain Daylight Time': 'MDT',
  'Mexican Pacific Standard Time': 'MST',
  'Yukon Time': 'MST',
  'Pacific Standard Time': 'PST',
  'Pacific Daylight Time': 'PDT',
  'Alaska Standard Time': 'AKST',
  'Alaska Daylight Time': 'AKDT',
  'Hawaii-Aleutian Standard Time': 'HST',
  'Hawaii-Aleutian Daylight Time': 'HDT',
  'Atlantic Standard Time': 'AST',
  'Atlantic Daylight Time': 'ADT',
  'Newfoundland Standard Time': 'NST',
  'Newfoundland Daylight Time': 'NDT',
  'Cuba Standard Time': 'CST',
  'Cuba Daylight Time': 'CDT',
  'Greenwich Mean Time': 'GMT',
  'British Summer Time': 'BST',
  'Irish Standard Time': 'IST',
  'Western European Standard Time': 'WET',
  'Western European Summer Time': 'WEST',
  'Central European Standard Time': 'CET',
  'Central European Summer Time': 'CEST',
  'Eastern European Standard Time': 'EET',
  'Eastern European Summer Time': 'EEST',
  'Moscow Standard Time': 'MSK',
  'Moscow Summer Time': 'MSD',
  'Israel Standard Time': 'IST',
  'Israel Daylight Time': 'IDT',
  'India Standard Time': 'IST',
  'Pakistan Standard Time': 'PKT',
  'China Standard Time': 'CST',
  'Taipei Standard Time': 'CST',
  'Hong Kong Standard Time': 'HKT',
  'Philippine Standard Time': 'PST',
  'Korean Standard Time': 'KST',
  'Japan Standard Time': 'JST',
  'Western Indonesia Time': 'WIB',
  'Central Indonesia Time': 'WITA',
  'Eastern Indonesia Time': 'WIT',
  'Australian Western Standard Time': 'AWST',
  'Australian Central Standard Time': 'ACST',
  'Australian Central Daylight Time': 'ACDT',
  'Australian Eastern Standard Time': 'AEST',
  'Australian Eastern Daylight Time': 'AEDT',
  'New Zealand Standard Time': 'NZST',
  'New Zealand Daylight Time': 'NZDT',
  'Samoa Standard Time': 'SST',
  'Chamorro Standard Time': 'ChST',
  'West Africa Standard Time': 'WAT',
  'Central Africa Time': 'CAT',
  'East Africa Time': 'EAT',
  'South Africa Standard Time': 'SAST',
};

/** null: the zone has none that is known. */
export function abbreviationOfLongName(name: string): string | null {
  return Object.hasOwn(LONG_NAMES, name) ? LONG_NAMES[name]! : null;
}
