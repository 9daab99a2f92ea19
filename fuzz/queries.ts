/** Random queries. Where the order of rows matters (LIMIT, window functions), it is total. */
import { aCondition, anExpression, type Context, filled, type InReach } from './expressions.js';
import { clause, expression, joined, plain, type Part, type Piece } from './pieces.js';
import type { Random } from './random.js';
import { reachOf, type Schema } from './schema.js';
import { AGGREGATES, TYPES, type TypeName } from './types.js';

export class Queries {
  readonly #random: Random;
  readonly #schema: Schema;
  #aliases = 0;

  constructor(random: Random, schema: Schema) {
    this.#random = random;
    this.#schema = schema;
  }

  context(columns: readonly InReach[], subqueries: boolean): Context {
    const subquery = (type: TypeName, outer: readonly InReach[]): Piece => this.#oneColumn(type, outer);
    return { random: this.#random, columns, subquery: subqueries ? subquery : null };
  }

  /** A whole statement. */
  statement(): Piece {
    const random = this.#random;
    return random.weighted<() => Piece>([
      [6, () => this.#plainSelect(random.between(1, 4), true)],
      [4, () => this.#grouped()],
      [2, () => this.#setOperation()],
      [2, () => this.#windowed()],
      [1, () => this.#withQuery()],
      [1, () => this.#distinct()],
    ])();
  }

  // ---- FROM ----

  #source(outer: readonly InReach[], deep: boolean): { readonly from: Piece; readonly columns: InReach[] } {
    const random = this.#random;
    const first = this.#relation(outer, deep);
    let from: Part = first.from;
    const columns = [...first.columns];
    const more = random.weighted([
      [5, 0],
      [4, 1],
      [1, 2],
    ]);
    for (let i = 0; i < more; i++) {
      const next = this.#relation(outer, deep);
      const kind = random.pick(['JOIN', 'LEFT JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'FULL JOIN', 'CROSS JOIN']);
      if (kind === 'CROSS JOIN') from = plain(from, ` ${kind} `, next.from);
      else {
        const on =
          kind === 'FULL JOIN' ? this.#equality(columns, next.columns) : this.#joinCondition(columns, next.columns);
        from = plain(from, ` ${kind} `, next.from, ' ON ', on);
      }
      columns.push(...next.columns);
    }
    return { from: plain(from), columns };
  }

  #joinCondition(left: readonly InReach[], right: readonly InReach[]): Piece {
    if (this.#random.chance(0.7)) return this.#equality(left, right);
    return aCondition(this.context([...left, ...right], false), 2);
  }

  #equality(left: readonly InReach[], right: readonly InReach[]): Piece {
    const pairs = left.flatMap((a) => right.filter((b) => b.type === a.type).map((b) => [a, b] as const));
    if (pairs.length === 0) return expression('bool', 'true');
    const [a, b] = this.#random.pick(pairs);
    return expression('bool', `${a.text} = ${b.text}`);
  }

  #relation(outer: readonly InReach[], deep: boolean): { readonly from: Piece; readonly columns: InReach[] } {
    const random = this.#random;
    const alias = `r${++this.#aliases}`;
    if (deep && random.chance(0.15)) {
      const types = [random.pick(TYPES), random.pick(TYPES)];
      const names = types.map((_, i) => `${alias}c${i}`);
      const query = this.#select(types, random.chance(0.4) ? outer : [], false);
      const lateral = outer.length > 0 ? 'LATERAL ' : '';
      return {
        from: plain(`${lateral}(`, query, `) AS ${alias} (${names.join(', ')})`),
        columns: types.map((type, i) => ({ text: `${alias}.${names[i]!}`, type })),
      };
    }
    if (random.chance(0.05)) {
      return {
        from: plain(`generate_series(1, ${random.between(1, 5)}) AS ${alias} (n)`),
        columns: [{ text: `${alias}.n`, type: 'int4' }],
      };
    }
    const table = random.pick(this.#schema.tables);
    return { from: plain(`${table.name} AS ${alias}`), columns: reachOf(table, alias) };
  }

  // ---- SELECT ----

  #select(types: readonly TypeName[], outer: readonly InReach[], deep: boolean): Piece {
    const random = this.#random;
    const { from, columns } = this.#source([], deep);
    const c = this.context([...columns, ...outer], deep);
    const items = types.map((type) => anExpression(c, type, 2));
    const where = random.chance(0.6) ? clause(' WHERE ', aCondition(c, 2)) : '';
    return plain('SELECT ', joined(items, ', '), ' FROM ', from, where);
  }

  #oneColumn(type: TypeName, outer: readonly InReach[]): Piece {
    const random = this.#random;
    // One row, so that it may stand as a value.
    const { from, columns } = this.#source([], false);
    const c = this.context([...columns, ...outer], false);
    const where = random.chance(0.6) ? clause(' WHERE ', aCondition(c, 2)) : '';
    const aggregates = AGGREGATES[type];
    if (aggregates !== undefined && random.chance(0.5)) {
      const own = this.context(columns, false);
      return plain('SELECT ', filled(own, type, random.pick(aggregates), 1), ' FROM ', from, where);
    }
    const item = anExpression(c, type, 1);
    return plain('SELECT ', item, ' FROM ', from, where, ' ORDER BY 1 LIMIT 1');
  }

  #plainSelect(width: number, deep: boolean): Piece {
    const random = this.#random;
    const types = Array.from({ length: width }, () => random.pick(TYPES));
    const query = this.#select(types, [], deep);
    return plain(query, this.#tail(width));
  }

  /** ORDER BY everything, so that LIMIT has an answer. */
  #tail(width: number): Part {
    const random = this.#random;
    if (!random.chance(0.5)) return '';
    const keys = Array.from(
      { length: width },
      (_, i) => `${i + 1}${random.pick(['', '', ' DESC', ' NULLS FIRST', ' DESC NULLS LAST'])}`,
    );
    const limit = random.chance(0.4) ? clause(` LIMIT ${random.between(0, 6)}`) : '';
    const offset = random.chance(0.2) ? clause(` OFFSET ${random.between(0, 4)}`) : '';
    return clause(` ORDER BY ${keys.join(', ')}`, limit, offset);
  }

  #distinct(): Piece {
    const random = this.#random;
    const { from, columns } = this.#source([], true);
    const c = this.context(columns, true);
    const types = random.times(1, 3, () => random.pick(TYPES));
    const items = types.map((type) => anExpression(c, type, 1));
    return plain('SELECT DISTINCT ', joined(items, ', '), ' FROM ', from, this.#tail(types.length));
  }

  #grouped(): Piece {
    const random = this.#random;
    const { from, columns } = this.#source([], true);
    const c = this.context(columns, false);
    const keys = random.some(columns, random.between(0, 2));
    const kinds = Object.keys(AGGREGATES) as TypeName[];
    const aggregates = random.times(1, 3, (): Piece => {
      const type = random.pick(kinds);
      return filled(c, type, random.pick(AGGREGATES[type]!), 2);
    });
    const where = random.chance(0.5) ? clause(' WHERE ', aCondition(this.context(columns, true), 2)) : '';
    const by = keys.length === 0 ? '' : ` GROUP BY ${this.#grouping(keys.map((k) => k.text))}`;
    const having = random.chance(0.3)
      ? clause(' HAVING ', expression('bool', 'count(*) > ', String(random.int(3))))
      : '';
    const items = [...keys.map((k) => plain(k.text)), ...aggregates];
    return plain('SELECT ', joined(items, ', '), ' FROM ', from, where, by, having, this.#tail(items.length));
  }

  #grouping(keys: readonly string[]): string {
    const list = keys.join(', ');
    return this.#random.weighted([
      [6, list],
      [1, `ROLLUP (${list})`],
      [1, `CUBE (${list})`],
      [1, `GROUPING SETS ((${list}), (), (${keys[0]!}))`],
    ]);
  }

  #setOperation(): Piece {
    const random = this.#random;
    const types = random.times(1, 2, () => random.pick(TYPES));
    let query: Piece = plain('(', this.#select(types, [], true), ')');
    for (let i = random.between(1, 2); i > 0; i--) {
      const op = random.pick(['UNION', 'UNION ALL', 'INTERSECT', 'EXCEPT', 'EXCEPT ALL', 'INTERSECT ALL']);
      query = plain(query, ` ${op} `, '(', this.#select(types, [], true), ')');
    }
    return plain(query, this.#tail(types.length));
  }

  #windowed(): Piece {
    const random = this.#random;
    const { from, columns } = this.#source([], false);
    const c = this.context(columns, false);
    // Rows that are equal in every column are alike for any window over all of them.
    const order = columns.map((column) => column.text).join(', ');
    const partition = random.chance(0.6) ? `PARTITION BY ${random.pick(columns).text} ` : '';
    const calls = [
      'row_number()',
      'rank()',
      'dense_rank()',
      'ntile(3)',
      'lag($int4)',
      'lead($text, 1)',
      'first_value($int4)',
      'last_value($text)',
      'count(*)',
      'sum($int4)',
      'max($numeric)',
      'nth_value($int4, 2)',
      'percent_rank()',
      'cume_dist()',
    ];
    const frames = [
      '',
      '',
      ' ROWS BETWEEN 1 PRECEDING AND CURRENT ROW',
      ' ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING',
      ' GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING',
      ' ROWS BETWEEN CURRENT ROW AND 2 FOLLOWING EXCLUDE CURRENT ROW',
    ];
    const items = random.times(1, 2, (): Piece => {
      const call = filled(c, 'int4', random.pick(calls), 1);
      const parts = call.parts.slice(1, -1);
      return plain(...parts, ` OVER (${partition}ORDER BY ${order}${random.pick(frames)})`);
    });
    return plain(`SELECT ${order}, `, joined(items, ', '), ' FROM ', from);
  }

  #withQuery(): Piece {
    const random = this.#random;
    const types = [random.pick(TYPES), random.pick<TypeName>(['int4', 'text'])];
    const name = `w${++this.#aliases}`;
    const materialised = random.pick(['', '', 'MATERIALIZED ', 'NOT MATERIALIZED ']);
    const columns: InReach[] = types.map((type, i) => ({ text: `${name}.c${i}`, type }));
    const c = this.context(columns, false);
    const head = plain(`WITH ${name} (c0, c1) AS ${materialised}(`, this.#select(types, [], true), ')');
    const twice = random.chance(0.4);
    const item = anExpression(c, random.pick(TYPES), 2);
    // Each row at most once: 20,000 rows with three values joined with themselves are more than a client can hold.
    const from = twice ? `${name} JOIN (SELECT DISTINCT c1 FROM ${name}) AS again ON ${name}.c1 = again.c1` : name;
    return plain(head, ' SELECT ', joined([item, plain(columns[0]!.text)], ', '), ` FROM ${from}`);
  }
}
