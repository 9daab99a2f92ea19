-- A schema goes with its types, whatever is made of what.
create schema of_ranges;
create type of_ranges.span as range (subtype = int4);
create type of_ranges.pair as (a of_ranges.span, b of_ranges.span_multirange);
create type of_ranges.spans as range (subtype = of_ranges.pair);
create domain of_ranges.some as of_ranges.span_multirange check (not isempty(value));
create type of_ranges.all_of as (one of_ranges.some, others of_ranges.pair[], more of_ranges.spans_multirange);
create table of_ranges.t (a of_ranges.span, b of_ranges.span_multirange, c of_ranges.all_of, d of_ranges.spans_multirange);
drop schema of_ranges;
create type outside_ranges as (a of_ranges.span_multirange, b int);
drop schema of_ranges cascade;
select typname from pg_type where typname ~ 'span|pair|all_of' order by 1;
select attname from pg_attribute where attrelid = 'outside_ranges'::regclass and not attisdropped;
drop type outside_ranges;
create schema of_ranges;
create type of_ranges.span as range (subtype = int8);
select typname from pg_type where typname ~ 'span' order by 1;
drop schema of_ranges cascade;
