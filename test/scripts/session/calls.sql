select make_interval(days => 3), make_interval(1, months => 2), make_interval(secs => 1.5, hours => 2);
select make_date(month => 2, day => 3, year => 2024), jsonb_set('{}', path => '{a}', replacement => '1');
select make_interval(days => 3, 4);
select make_interval(days => 3, days => 4);
select (date '2024-01-01', date '2024-02-01') overlaps (date '2024-01-15', interval '1 day');
select (null::date, date '2024-02-01') overlaps (date '1999-01-15', date '2030-01-01'), (null, date '2024-02-01') overlaps (date '2023-01-15', date '2024-01-01');
select (timestamp '2024-01-01', null::timestamp) overlaps (timestamp '2024-01-01', timestamp '2024-01-02'), (timestamp '2024-01-01', null::timestamp) overlaps (timestamp '2023-01-01', timestamp '2023-01-02');
select (time '10:00', time '12:00') overlaps (time '12:00', time '13:00'), (time '12:00', time '10:00') overlaps (time '11:00', time '13:00');
select (timestamptz '2024-01-01', interval '1 day') overlaps (timestamptz '2024-01-01 12:00', timestamptz '2024-01-03');
