/** Three tables with all that ties rows together, and the statements of histories.ts on few of their rows. */
import type { Random } from './random.js';

const ACTIONS = ['cascade', 'set null', 'no action', 'restrict', 'set default'];
/** More than a transaction holds back before it is spilled as intents. */
const WIDE = 600_000;

export function historySchema(random: Random): string[] {
  const action = (): string => random.pick(ACTIONS);
  const unique = random.pick(['', 'unique', 'unique deferrable initially deferred', 'unique nulls not distinct']);
  const deferred = random.pick(['', 'deferrable initially deferred', 'deferrable']);
  const tree = random.pick(['', `references c (id) on delete ${action()}`]);
  const some = (chance: number, sql: string): string[] => (random.chance(chance) ? [sql] : []);
  return [
    'drop table if exists c, p, q cascade',
    `create table p (id int primary key, v int, u int ${unique}, g int generated always as (v + 1) stored,
       x int default 0, wide text default '')`,
    `create table c (id int primary key, v int, w int ${tree},
       pid int default 1 references p (id) on delete ${action()} on update ${action()} ${deferred})`,
    `create table q (a int, b int ${random.pick(['', ', unique (a, b)', ', primary key (a)', ', check (b < 50)'])})`,
    ...some(0.4, `create ${random.pick(['', 'unique '])}index on p (v) where x = 0`),
    ...some(0.4, `create ${random.pick(['', 'unique '])}index on p ((v % 4), id)`),
    ...some(0.4, 'create index on c (pid)'),
    ...some(0.3, 'create index on c (v desc)'),
    ...some(0.3, 'create index on q (b)'),
    `create or replace function bump(k int) returns int language plpgsql as $$
       declare r int;
       begin
         update p set v = v + 1 where id = k returning v into r;
         if not found then insert into p (id, v, u) values (k, 0, k + 50); return -1; end if;
         return r;
       exception when unique_violation then return -2;
       end $$`,
  ];
}

/** The rows with which every history begins. */
export const HISTORY_ROWS: readonly string[] = [
  'delete from c',
  'delete from p',
  'delete from q',
  'insert into p (id, v, u) select g, g * 10, g from generate_series(1, 4) g',
  'insert into c (id, pid, v, w) values (1, 1, 1, null), (2, 1, 2, 1), (3, 2, 3, 1), (4, null, 4, null)',
  'insert into q select g, g from generate_series(1, 4) g',
];

/** All that the tables hold. */
export const HISTORY_STATE: readonly string[] = [
  'select id, v, u, g, x, md5(wide) from p order by id',
  'select id, pid, v, w from c order by id',
  'select a, b from q order by a, b',
];

export function historyStatement(random: Random): string {
  const k = (): number => random.between(1, 6);
  const v = (): number => random.between(0, 5);
  return random.pick(random.chance(0.4) ? READS : WRITES)(k, v, random);
}

type Make = (k: () => number, v: () => number, random: Random) => string;

const READS: readonly Make[] = [
  () => HISTORY_STATE[0]!,
  () => HISTORY_STATE[1]!,
  () => HISTORY_STATE[2]!,
  (_, v) => `select count(*), sum(v) from p where v > ${v() * 10}`,
  (_, v) => `select count(*) from p join c on c.pid = p.id where c.v > ${v()}`,
  (k) => `select v, length(wide) from p where id = ${k()}`,
  (k) => `select id from p where u = ${k()}`,
  (k) => `select id, v, w from c where pid = ${k()} order by id`,
  (_, v) => `select id from p where v % 4 = ${v()} order by id`,
  (k) => `select id from p where v = ${k() * 10} and x = 0 order by id`,
  (k) => `select v from p where id = ${k()} for update`,
  (_, v) => `select id from p where v > ${v() * 10} order by id for share`,
  (_, v) => `select id from p where v > ${v() * 10} order by v, id limit 1 for no key update`,
  () => 'set constraints all immediate',
];

const WRITES: readonly Make[] = [
  (k, v, r) => `insert into p (id, v, u) values (${k()}, ${v()}, ${r.pick([k(), k() + 20, 'null'])})`,
  (k) => `insert into p (id, v, u) values (${k() + 4}, (select max(v) from p), ${k() + 30})`,
  (k, v) => `insert into p (id, v, u) values (${k()}, ${v()}, ${k()}) on conflict do nothing`,
  (k, v) =>
    `insert into p (id, v, u) values (${k()}, ${v()}, ${k() + 40}) on conflict (id) do update set v = p.v + 1, x = excluded.v returning id, v, g`,
  (k) => `update p set v = v + 1 where id = ${k()}`,
  (_, v) => `update p set v = v + 1 where v > ${v() * 10}`,
  (k) => `update p set id = id + 10 where id = ${k()}`,
  (k) => `update p set id = ${k()} where id = ${k()}`,
  (k) => `update p set u = ${k()} where id = ${k()}`,
  (k) => `update p set x = 1 - x where id <= ${k()}`,
  (k) => `update p set v = (select coalesce(sum(v), 0) % 50 from c) where id = ${k()} returning v`,
  (k, v) => `update p set wide = repeat('${v()}', ${WIDE}) where id = ${k()}`,
  (k) => `delete from p where id = ${k()}`,
  (k) => `delete from p where v > ${k() * 10}`,
  (k) => `delete from c where pid = ${k()}`,
  (k) => `delete from c where id = ${k()}`,
  (k, v, r) => `insert into c (id, pid, v, w) values (${k()}, ${k()}, ${v()}, ${r.pick(['null', k()])})`,
  (k) =>
    `insert into c (id, pid, v) select g, ${k()}, g from generate_series(${k()}, ${k() + 2}) g on conflict do nothing`,
  (k, _, r) => `update c set pid = ${r.pick([k(), 'null'])} where id = ${k()}`,
  (_, v) => `update c set v = v + 1 where pid in (select id from p where v > ${v() * 10})`,
  (k) => `update c set id = id + 5 where id = ${k()}`,
  (k, v) => `insert into q values (${k()}, ${v()})`,
  (_, v) => `insert into q select id, v from c where v > ${v()}`,
  (_, v) => `delete from q where b = ${v()}`,
  (k) => `update q set b = b + (select count(*) from p) where a = ${k()}`,
  (k, v) => `insert into q select ${k()}, ${v()} where not exists (select from q where b = ${v()})`,
  (k, v) =>
    `merge into p using (values (${k()}, ${v()}), (${k() + 6}, ${v()})) s (i, n) on p.id = s.i when matched and p.v > 20 then delete when matched then update set v = s.n when not matched then insert (id, v, u) values (s.i, s.n, s.i + 60)`,
  (k) => `with d as (delete from c where id = ${k()} returning *) insert into q select id, v from d`,
  (k) =>
    `with u as (update p set v = v + 5 where id = ${k()} returning id) update c set v = c.v + 1 from u where c.pid = u.id`,
  (k) => `select bump(${k()})`,
];
