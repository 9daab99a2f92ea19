/** The words that PostgreSQL knows in dates and times, but for zones. */

export type DatePrefix = 'year' | 'month' | 'day' | 'hour' | 'minute' | 'second' | 'julian' | 'time' | 'other';
export type DateWord =
  | { readonly kind: 'month'; readonly value: number }
  | { readonly kind: 'weekday' }
  | { readonly kind: 'ignored' | 'iso-time' | 'dst' | 'allballs' }
  | { readonly kind: 'special'; readonly value: 'infinity' | '-infinity' | 'epoch' | 'now' }
  | { readonly kind: 'relative'; readonly value: number }
  | { readonly kind: 'meridiem'; readonly value: 'am' | 'pm' }
  | { readonly kind: 'era'; readonly value: 'ad' | 'bc' }
  /** Names the field of the number that follows: y2001m02d04. */
  | { readonly kind: 'prefix'; readonly value: DatePrefix };

function table(): ReadonlyMap<string, DateWord> {
  const words = new Map<string, DateWord>();
  const add = (names: string, word: DateWord): void => {
    for (const name of names.split(' ')) words.set(name, word);
  };
  const months =
    'jan january,feb february,mar march,apr april,may,jun june,jul july,aug august,sep sept september,oct october,nov november,dec december';
  months.split(',').forEach((names, i) => add(names, { kind: 'month', value: i + 1 }));
  add('sun sunday mon monday tue tues tuesday wed weds wednesday', { kind: 'weekday' });
  add('thu thur thurs thursday fri friday sat saturday', { kind: 'weekday' });
  add('at on', { kind: 'ignored' });
  add('t', { kind: 'iso-time' });
  add('dst', { kind: 'dst' });
  add('allballs', { kind: 'allballs' });
  for (const value of ['infinity', '-infinity', 'epoch', 'now'] as const) add(value, { kind: 'special', value });
  ['yesterday', 'today', 'tomorrow'].forEach((name, i) => add(name, { kind: 'relative', value: i - 1 }));
  for (const value of ['am', 'pm'] as const) add(value, { kind: 'meridiem', value });
  for (const value of ['ad', 'bc'] as const) add(value, { kind: 'era', value });
  const prefixes: readonly (readonly [string, DatePrefix])[] = [
    ['y', 'year'],
    ['m', 'month'],
    ['d', 'day'],
    ['h', 'hour'],
    ['mm', 'minute'],
    ['s', 'second'],
    ['j jd julian', 'julian'],
    ['dow doy isodow isoyear', 'other'],
  ];
  for (const [names, value] of prefixes) add(names, { kind: 'prefix', value });
  return words;
}

const WORDS = table();

export function dateWord(text: string): DateWord | undefined {
  return WORDS.get(text);
}
