-- Records compared by the images of their values.
create type two as (a int, b int);
create type mixed as (a int, b text);
create type money_like as (n numeric);
select row(1, 2)::two *< row(1, 3)::two, row(1, 2)::two *<= row(1, 3)::two, row(1, 2)::two *= row(1, 2)::two;
select row(1, 2)::two *<> row(1, 3)::two, row(1, 3)::two *>= row(1, 2)::two, row(1, 3)::two *> row(1, 2)::two;
select row(1, -2)::two *< row(1, -3)::two, row(1, -2)::two *< row(1, 3)::two;
select row(1, 'abc')::mixed *< row(1, 'abd')::mixed, row(1, 'abc')::mixed *< row(1, 'abcd')::mixed;
select row(1.0)::money_like *= row(1.00)::money_like, row(1.0)::money_like = row(1.00)::money_like;
select row(null, 1)::two *= row(null, 1)::two, row(null, 1)::two *> row(5, 1)::two;
select row(1, 2)::two *= row(1, 'x')::mixed;
select row(1, 2)::two *= row(1.0)::money_like;
select record_image_eq(row(1, 2)::two, row(1, 2)::two), btrecordimagecmp(row(1, 2)::two, row(1, 3)::two);
create table pair (id int primary key, t text);
insert into pair values (1, 'a'), (2, 'b');
select x.id from pair x join pair y on x *= y order by 1;
