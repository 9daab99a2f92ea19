/**
 * Collations: in which order texts come, and how their letters change case.
 *
 * What the catalog and plans keep of a collation is its key, which says all of it: of one that every database has its name
 * ("C", "de-x-icu"), of one that a user made `@<oid>:<c|i>:<locale>`, since neither provider nor locale ever change and
 * the name does. So what is read from a descriptor needs no look-up.
 *
 * Invariants
 * - Two texts are equal only if their characters are the same, under every collation: what a language puts in one place
 *   comes in the order of the code points. Hashing, grouping and unique keys know nothing of collations.
 * - Keys in storage are in the order of the code points, whatever the column's collation: an index says nothing of the order
 *   of a language, and no new version of ICU makes it wrong.
 *
 * Limits: collations that find different texts equal are not there (deterministic = false), since Intl gives no sort keys to hash
 * or store them by; of ICU's attributes those are there that Intl.Collator has.
 */
import { sqlError } from '../../base/errors.js';
import { ICU_LOCALES } from './icu-locales.js';
import { titleOf } from './letter-case.js';
import { TextBuilder } from './text-builder.js';
import { compareText } from './text-order.js';

export interface Collation {
  readonly key: string;
  readonly oid: number;
  /** Of one that every database has. Of users' ones the catalog knows it. */
  readonly name: string | null;
  readonly provider: 'd' | 'c' | 'i';
  /** As it was written; of libc the order's. */
  readonly locale: string | null;
  /** Of libc: whose letters. */
  readonly ctype: string | null;
  /** Whether the order is another than that of the code points. */
  readonly isLinguistic: boolean;
  /** Only ASCII letters change their case ("C"). */
  readonly asciiLetters: boolean;
  /** -1, 0 or 1; 0 only for the same text. */
  compare(a: string, b: string): number;
  lower(text: string): string;
  upper(text: string): string;
  capitalised(text: string): string;
}

export const DEFAULT_COLLATION_KEY = 'default';
export const C_COLLATION_KEY = 'C';
/** Shown of those of ICU. Nothing that is stored depends on it. */
export const COLLATION_VERSION = '153.120';
const ICU_SUFFIX = '-x-icu';
const FIRST_ICU_OID = 12342;
const ROOT = 'und';

/** Those of libc that every database has: oid, name, locale. */
const LIBC: readonly (readonly [number, string, string])[] = [
  [950, 'C', 'C'],
  [951, 'POSIX', 'POSIX'],
  [12340, 'ucs_basic', 'C'],
  [12341, 'C.utf8', 'C.utf8'],
];

/** Others that are taken for one of these. */
const ALIASES: Readonly<Record<string, string>> = { 'C.UTF-8': 'C.utf8' };

const builtIn = new Map<string, () => Collation>();
const oids = new Map<number, string>();
function define(oid: number, name: string, make: () => Collation): void {
  builtIn.set(name, make);
  oids.set(oid, name);
}
define(100, DEFAULT_COLLATION_KEY, () =>
  codePoints({ key: DEFAULT_COLLATION_KEY, oid: 100, name: 'default', provider: 'd' }),
);
for (const [oid, name, locale] of LIBC)
  define(oid, name, () => codePoints({ key: name, oid, name, provider: 'c', locale, ctype: locale }));
for (const [at, locale] of [ROOT, ...ICU_LOCALES].entries()) {
  const key = `${locale}${ICU_SUFFIX}`;
  define(FIRST_ICU_OID + at, key, () => ofLanguage({ key, oid: FIRST_ICU_OID + at, name: key, locale }));
}

/** All that every database has, by oid. */
export function builtInCollations(): Collation[] {
  return [...oids.values()].map(collationOfKey);
}

/** The key of the one that every database has under this name; null: none has. */
export function builtInCollation(name: string): string | null {
  const key = Object.hasOwn(ALIASES, name) ? ALIASES[name]! : name;
  return builtIn.has(key) ? key : null;
}

export function builtInCollationOf(oid: number): string | null {
  return oids.get(oid) ?? null;
}

/** Of one that a user made. */
export function userCollationKey(oid: number, provider: 'c' | 'i', locale: string, ctype = locale): string {
  return `@${oid}:${provider}:${provider === 'i' || locale === ctype ? locale : `${locale}\0${ctype}`}`;
}

/** The oid of the one of a user's; null: every database has it. */
export function userCollationOid(key: string): number | null {
  const found = /^@(\d+):/.exec(key);
  return found === null ? null : Number(found[1]);
}

const CACHED_MAX = 2000;
const cached = new Map<string, Collation>();

export function collationOfKey(key: string): Collation {
  let found = cached.get(key);
  if (found === undefined) {
    if (cached.size >= CACHED_MAX) cached.clear();
    found = (builtIn.get(key) ?? builtIn.get(ALIASES[key] ?? '') ?? (() => userCollation(key)))();
    cached.set(key, found);
  }
  return found;
}

function userCollation(key: string): Collation {
  const found = /^@(\d+):([ci]):([^]*)$/.exec(key);
  if (found === null) throw sqlError('XX001', `the catalog names a collation "${key}", which nobody has`);
  const [, oid, provider, text = ''] = found;
  if (provider === 'i') return ofLanguage({ key, oid: Number(oid), name: null, locale: text });
  const [locale = '', ctype = locale] = text.split('\0');
  return codePoints({ key, oid: Number(oid), name: null, provider: 'c', locale, ctype });
}

// ---- code points ----

function codePoints(
  of: Pick<Collation, 'key' | 'oid' | 'name' | 'provider'> & Partial<Pick<Collation, 'locale' | 'ctype'>>,
): Collation {
  const { locale = null, ctype = null } = of;
  return {
    ...of,
    locale,
    ctype,
    isLinguistic: false,
    asciiLetters: ctype !== null && /^(C|POSIX)$/i.test(ctype),
    compare: compareText,
    lower: (text) => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()),
    upper: (text) => text.replace(/[a-z]+/g, (letters) => letters.toUpperCase()),
    capitalised: (text) =>
      text.replace(/[0-9A-Za-z]+/g, (word) => word.slice(0, 1).toUpperCase() + word.slice(1).toLowerCase()),
  };
}

/** Locales of libc that are the order of the code points. */
export function isCodePointLocale(locale: string): boolean {
  return /^(C|POSIX|C\.UTF-?8)$/i.test(locale);
}

// ---- languages ----

function ofLanguage(of: Pick<Collation, 'key' | 'oid' | 'name'> & { readonly locale: string }): Collation {
  // Made when it is first asked for: a catalog has hundreds of them.
  let collator: Intl.Collator | null = null;
  let tag: string | null = null;
  const language = (): string => (tag ??= caseLocale(of.locale));
  return {
    ...of,
    provider: 'i',
    ctype: null,
    isLinguistic: true,
    asciiLetters: false,
    compare(a, b) {
      if (a === b) return 0;
      collator ??= makeCollator(of.locale);
      return Math.sign(collator.compare(a, b)) || compareText(a, b);
    },
    lower: (text) => text.toLocaleLowerCase(language()),
    upper: (text) => text.toLocaleUpperCase(language()),
    capitalised: (text) => capitalised(text, language()),
  };
}

/** What Unicode holds together as a word: an apostrophe or a point between letters does not part them. */
const WORD = /[\p{L}\p{N}\p{M}_]+(?:[.'\u00b7\u2019\u2027][\p{L}\p{N}\p{M}_]+)*/gu;

/** Each word's first letter large, the others small. Intl.Segmenter would take time that grows with the square of a text. */
function capitalised(text: string, locale: string): string {
  const out = new TextBuilder();
  let end = 0;
  for (const { 0: word, index } of text.matchAll(WORD)) {
    out.add(text.slice(end, index));
    end = index + word.length;
    const at = word.search(/[\p{L}\p{N}]/u);
    const first = at < 0 ? '' : String.fromCodePoint(word.codePointAt(at)!);
    const rest = word.slice(Math.max(at, 0) + first.length).toLocaleLowerCase(locale);
    out.add(word.slice(0, Math.max(at, 0)) + titleOf(first, locale) + rest);
  }
  out.add(text.slice(end));
  return out.text();
}

interface Attributes {
  readonly language: string;
  /** By the keys that BCP 47 has for them. */
  readonly values: ReadonlyMap<string, string>;
}

/** Of ICU's own spelling, which goes before BCP 47's. */
const OLD_KEYS: Readonly<Record<string, string>> = {
  collation: 'co',
  colstrength: 'ks',
  colalternate: 'ka',
  colbackwards: 'kb',
  colcaselevel: 'kc',
  colcasefirst: 'kf',
  colhiraganaquaternary: 'kh',
  colnormalization: 'kk',
  colnumeric: 'kn',
  colreorder: 'kr',
  variabletop: 'vt',
};
const OLD_VALUES: Readonly<Record<string, string>> = {
  phonebook: 'phonebk',
  traditional: 'trad',
  dictionary: 'dict',
  gb2312han: 'gb2312',
  yes: 'true',
  no: 'false',
  primary: 'level1',
  secondary: 'level2',
  tertiary: 'level3',
  quaternary: 'level4',
  identical: 'identic',
  'non-ignorable': 'noignore',
};
/** Attributes that change the order in ways that Intl.Collator does not know. */
const UNKNOWN_TO_INTL: Readonly<Record<string, (value: string) => boolean>> = {
  kb: (value) => value === 'true',
  kr: () => true,
  vt: () => true,
  kv: (value) => value !== 'punct',
};

function attributesOf(locale: string): Attributes {
  const values = new Map<string, string>();
  const [plain = '', old = ''] = locale.split('@', 2);
  for (const part of old.split(/[;,]/)) {
    const [key = '', value = ''] = part.split('=').map((s) => s.trim().toLowerCase());
    const known = Object.hasOwn(OLD_KEYS, key) ? OLD_KEYS[key]! : null;
    if (known !== null && value !== '')
      values.set(known, Object.hasOwn(OLD_VALUES, value) ? OLD_VALUES[value]! : value);
  }
  const [language = '', extension] = plain.replaceAll('_', '-').split(/-u-/i, 2);
  let key = '';
  for (const part of (extension ?? '').toLowerCase().split('-')) {
    if (part.length === 1) break;
    if (part.length === 2) values.set((key = part), 'true');
    else if (key !== '') values.set(key, values.get(key) === 'true' ? part : `${values.get(key)!}-${part}`);
  }
  return { language: language.replace(/-x-.*$/i, ''), values };
}

/** A language that ICU does not know is ordered by the root's rules, as ICU does it; never by the process's own language. */
function knownLanguage(language: string): string {
  try {
    return Intl.Collator.supportedLocalesOf([language])[0] ?? 'en';
  } catch {
    return 'en';
  }
}

const caseLocale = (locale: string): string => {
  try {
    return Intl.getCanonicalLocales(attributesOf(locale).language)[0] ?? 'en';
  } catch {
    return 'en';
  }
};

function makeCollator(locale: string): Intl.Collator {
  const { language, values } = attributesOf(locale);
  let tag = knownLanguage(language);
  const co = values.get('co');
  if (co !== undefined && /^[a-z0-9]{3,8}$/.test(co) && !/^(search|standard)$/.test(co)) tag += `-u-co-${co}`;
  const shifted = values.get('ka');
  const caseFirst = values.get('kf');
  return new Intl.Collator(tag, {
    usage: 'sort',
    sensitivity: sensitivityOf(values.get('ks'), values.get('kc') === 'true'),
    numeric: values.get('kn') === 'true',
    ...(caseFirst === 'upper' || caseFirst === 'lower' ? { caseFirst } : {}),
    ...(shifted === undefined ? {} : { ignorePunctuation: shifted === 'shifted' }),
  });
}

function sensitivityOf(strength: string | undefined, caseLevel: boolean): 'base' | 'accent' | 'case' | 'variant' {
  if (strength === 'level1') return caseLevel ? 'case' : 'base';
  return strength === 'level2' && !caseLevel ? 'accent' : 'variant';
}

const SWITCH: ReadonlySet<string> = new Set(['true', 'false']);
/** What ICU takes for an attribute. */
const VALUES: Readonly<Record<string, ReadonlySet<string>>> = {
  kn: SWITCH,
  kc: SWITCH,
  kb: SWITCH,
  kk: SWITCH,
  kh: SWITCH,
  ks: new Set(['level1', 'level2', 'level3', 'level4', 'identic']),
  ka: new Set(['shifted', 'noignore']),
  kf: new Set(['upper', 'lower', 'false']),
};
/** In ICU's buffers. */
const LOCALE_MAX = 156;
const LANGUAGE_MAX = 11;

/** @throws QuoralError XX000 as PostgreSQL, for what ICU does not take; 0A000 for what would come in another order than ICU puts it */
export function checkIcuLocale(locale: string): void {
  const { values } = attributesOf(locale);
  const isTaken = [...values].every(([key, value]) => !Object.hasOwn(VALUES, key) || VALUES[key]!.has(value));
  const [language = ''] = locale.split(/[-_@.]/, 1);
  if (!isTaken || locale.length > LOCALE_MAX || language.length > LANGUAGE_MAX)
    throw sqlError('XX000', `could not open collator for locale "${locale}": U_ILLEGAL_ARGUMENT_ERROR`);
  const strength = values.get('ks') ?? '';
  // What is passed over at first would count at last.
  if (values.get('ka') === 'shifted' && /^(level4|identic)$/.test(strength))
    throw sqlError('0A000', `strength "${strength}" of ICU locale "${locale}" is not supported with "shifted"`);
  for (const [key, value] of values) {
    if (Object.hasOwn(UNKNOWN_TO_INTL, key) && UNKNOWN_TO_INTL[key]!(value))
      throw sqlError('0A000', `attribute "${key}" of ICU locale "${locale}" is not supported`);
  }
}
