/**
 * Operator classes of the kinds of indexes beside btree, gin and hash, for the types there are, as PostgreSQL 15 numbers
 * them. Without the support functions, which nobody can call. Entries are as in operator-class-data.ts.
 */

/** oid opcname opcfamily opcintype opckeytype opcdefault */
export const GIN_CLASSES = `
10064 array_ops 2745 2277 2283 t; 10090 jsonb_ops 4036 3802 25 t; 10091 jsonb_path_ops 4037 3802 23 f
`;

/** oid opfname */
export const GIN_FAMILIES = `
2745 array_ops; 4036 jsonb_ops; 4037 jsonb_path_ops
`;

/** oid amopfamily amoplefttype amoprighttype amopstrategy amopopr */
export const GIN_OPERATORS = `
10349 2745 2277 2277 1 2750; 10350 2745 2277 2277 2 2751; 10351 2745 2277 2277 3 2752; 10352 2745 2277 2277 4 1070; 10456 4036 3802 3802 7 3246
10457 4036 3802 25 9 3247; 10458 4036 3802 1009 10 3248; 10459 4036 3802 1009 11 3249; 10460 4036 3802 4072 15 4012; 10461 4036 3802 4072 16 4013
10462 4037 3802 3802 7 3246; 10463 4037 3802 4072 15 4012; 10464 4037 3802 4072 16 4013
`;

/** oid opcname opcfamily opcintype opckeytype opcdefault */
export const HASH_CLASSES = `
10001 array_ops 627 2277 0 t; 10005 bpchar_ops 427 1042 0 t; 10008 char_ops 431 18 0 t; 10010 cidr_ops 1975 869 0 f; 10011 date_ops 435 1082 0 t
10013 float4_ops 1971 700 0 t; 10014 float8_ops 1971 701 0 t; 10016 inet_ops 1975 869 0 t; 10019 int2_ops 1977 21 0 t; 10020 int4_ops 1977 23 0 t
10021 int8_ops 1977 20 0 t; 10023 interval_ops 1983 1186 0 t; 10025 macaddr_ops 1985 829 0 t; 10027 macaddr8_ops 3372 774 0 t
10029 name_ops 1995 19 0 t; 10030 numeric_ops 1998 1700 0 t; 10031 oid_ops 1990 26 0 t; 10033 oidvector_ops 1992 30 0 t
10035 record_ops 6194 2249 0 t; 10037 text_ops 1995 25 0 t; 10039 time_ops 1997 1083 0 t; 10040 timestamptz_ops 1999 1184 0 t
10042 timetz_ops 2001 1266 0 t; 10045 varchar_ops 1995 25 0 f; 10046 timestamp_ops 2040 1114 0 t; 10048 bool_ops 2222 16 0 t
10049 bytea_ops 2223 17 0 t; 10051 xid_ops 2225 28 0 t; 10052 xid8_ops 5032 5069 0 t; 10054 cid_ops 2226 29 0 t; 10055 tid_ops 2227 27 0 t
10056 text_pattern_ops 2229 25 0 f; 10057 varchar_pattern_ops 2229 25 0 f; 10058 bpchar_pattern_ops 2231 1042 0 f; 10066 uuid_ops 2969 2950 0 t
10068 pg_lsn_ops 3254 3220 0 t; 10070 enum_ops 3523 3500 0 t; 10077 range_ops 3903 3831 0 t; 10081 multirange_ops 4225 4537 0 t
10089 jsonb_ops 4034 3802 0 t
`;

/** oid opfname */
export const HASH_FAMILIES = `
427 bpchar_ops; 431 char_ops; 435 date_ops; 627 array_ops; 1971 float_ops; 1975 network_ops; 1977 integer_ops; 1983 interval_ops; 1985 macaddr_ops
1990 oid_ops; 1992 oidvector_ops; 1995 text_ops; 1997 time_ops; 1998 numeric_ops; 1999 timestamptz_ops; 2001 timetz_ops; 2040 timestamp_ops
2222 bool_ops; 2223 bytea_ops; 2225 xid_ops; 2226 cid_ops; 2227 tid_ops; 2229 text_pattern_ops; 2231 bpchar_pattern_ops; 2969 uuid_ops
3254 pg_lsn_ops; 3372 macaddr8_ops; 3523 enum_ops; 3903 range_ops; 4034 jsonb_ops; 4225 multirange_ops; 5032 xid8_ops; 6194 record_ops
`;

/** oid amopfamily amoplefttype amoprighttype amopstrategy amopopr */
export const HASH_OPERATORS = `
10255 427 1042 1042 1 1054; 10256 431 18 18 1 92; 10257 435 1082 1082 1 1093; 10258 1971 700 700 1 620; 10259 1971 701 701 1 670
10260 1971 700 701 1 1120; 10261 1971 701 700 1 1130; 10262 1975 869 869 1 1201; 10263 1977 21 21 1 94; 10264 1977 23 23 1 96
10265 1977 20 20 1 410; 10266 1977 21 23 1 532; 10267 1977 21 20 1 1862; 10268 1977 23 21 1 533; 10269 1977 23 20 1 15; 10270 1977 20 21 1 1868
10271 1977 20 23 1 416; 10272 1983 1186 1186 1 1330; 10273 1985 829 829 1 1220; 10274 3372 774 774 1 3362; 10275 1990 26 26 1 607
10276 1992 30 30 1 649; 10277 6194 2249 2249 1 2988; 10278 1995 25 25 1 98; 10279 1995 19 19 1 93; 10280 1995 19 25 1 254; 10281 1995 25 19 1 260
10282 1997 1083 1083 1 1108; 10283 1999 1184 1184 1 1320; 10284 2001 1266 1266 1 1550; 10285 2040 1114 1114 1 2060; 10286 2222 16 16 1 91
10287 2223 17 17 1 1955; 10288 2225 28 28 1 352; 10289 5032 5069 5069 1 5068; 10290 2226 29 29 1 385; 10291 2227 27 27 1 387; 10292 2229 25 25 1 98
10293 2231 1042 1042 1 1054; 10295 2969 2950 2950 1 2972; 10296 3254 3220 3220 1 3222; 10297 1998 1700 1700 1 1752; 10298 627 2277 2277 1 1070
10358 3523 3500 3500 1 3516; 10379 3903 3831 3831 1 3882; 10421 4225 4537 4537 1 2860; 10455 4034 3802 3802 1 3240
`;

/** oid opcname opcfamily opcintype opckeytype opcdefault */
export const BRIN_CLASSES = `
10092 bytea_minmax_ops 4064 17 17 t; 10093 bytea_bloom_ops 4578 17 17 f; 10094 char_minmax_ops 4062 18 18 t
10095 char_bloom_ops 4577 18 18 f; 10096 name_minmax_ops 4065 19 19 t; 10097 name_bloom_ops 4579 19 19 f
10098 int8_minmax_ops 4054 20 20 t; 10099 int8_minmax_multi_ops 4602 20 20 f; 10100 int8_bloom_ops 4572 20 20 f
10101 int2_minmax_ops 4054 21 21 t; 10102 int2_minmax_multi_ops 4602 21 21 f; 10103 int2_bloom_ops 4572 21 21 f
10104 int4_minmax_ops 4054 23 23 t; 10105 int4_minmax_multi_ops 4602 23 23 f; 10106 int4_bloom_ops 4572 23 23 f
10107 text_minmax_ops 4056 25 25 t; 10108 text_bloom_ops 4573 25 25 f; 10109 oid_minmax_ops 4068 26 26 t
10110 oid_minmax_multi_ops 4606 26 26 f; 10111 oid_bloom_ops 4580 26 26 f; 10112 tid_minmax_ops 4069 27 27 t
10113 tid_bloom_ops 4581 27 27 f; 10114 tid_minmax_multi_ops 4607 27 27 f; 10115 float4_minmax_ops 4070 700 700 t
10116 float4_minmax_multi_ops 4608 700 700 f; 10117 float4_bloom_ops 4582 700 700 f; 10118 float8_minmax_ops 4070 701 701 t
10119 float8_minmax_multi_ops 4608 701 701 f; 10120 float8_bloom_ops 4582 701 701 f; 10121 macaddr_minmax_ops 4074 829 829 t
10122 macaddr_minmax_multi_ops 4609 829 829 f; 10123 macaddr_bloom_ops 4583 829 829 f; 10124 macaddr8_minmax_ops 4109 774 774 t
10125 macaddr8_minmax_multi_ops 4610 774 774 f; 10126 macaddr8_bloom_ops 4584 774 774 f; 10127 inet_minmax_ops 4075 869 869 f
10128 inet_minmax_multi_ops 4611 869 869 f; 10129 inet_bloom_ops 4585 869 869 f; 10130 inet_inclusion_ops 4102 869 869 t
10131 bpchar_minmax_ops 4076 1042 1042 t; 10132 bpchar_bloom_ops 4586 1042 1042 f; 10133 time_minmax_ops 4077 1083 1083 t
10134 time_minmax_multi_ops 4612 1083 1083 f; 10135 time_bloom_ops 4587 1083 1083 f; 10136 date_minmax_ops 4059 1082 1082 t
10137 date_minmax_multi_ops 4605 1082 1082 f; 10138 date_bloom_ops 4576 1082 1082 f; 10139 timestamp_minmax_ops 4059 1114 1114 t
10140 timestamp_minmax_multi_ops 4605 1114 1114 f; 10141 timestamp_bloom_ops 4576 1114 1114 f
10142 timestamptz_minmax_ops 4059 1184 1184 t; 10143 timestamptz_minmax_multi_ops 4605 1184 1184 f
10144 timestamptz_bloom_ops 4576 1184 1184 f; 10145 interval_minmax_ops 4078 1186 1186 t; 10146 interval_minmax_multi_ops 4613 1186 1186 f
10147 interval_bloom_ops 4588 1186 1186 f; 10148 timetz_minmax_ops 4058 1266 1266 t; 10149 timetz_minmax_multi_ops 4604 1266 1266 f
10150 timetz_bloom_ops 4575 1266 1266 f; 10151 bit_minmax_ops 4079 1560 1560 t; 10152 varbit_minmax_ops 4080 1562 1562 t
10153 numeric_minmax_ops 4055 1700 1700 t; 10154 numeric_minmax_multi_ops 4603 1700 1700 f; 10155 numeric_bloom_ops 4574 1700 1700 f
10156 uuid_minmax_ops 4081 2950 2950 t; 10157 uuid_minmax_multi_ops 4614 2950 2950 f; 10158 uuid_bloom_ops 4589 2950 2950 f
10159 range_inclusion_ops 4103 3831 3831 t; 10160 pg_lsn_minmax_ops 4082 3220 3220 t; 10161 pg_lsn_minmax_multi_ops 4615 3220 3220 f
10162 pg_lsn_bloom_ops 4590 3220 3220 f
`;

/** oid opfname */
export const BRIN_FAMILIES = `
4054 integer_minmax_ops; 4055 numeric_minmax_ops; 4056 text_minmax_ops; 4058 timetz_minmax_ops; 4059 datetime_minmax_ops
4062 char_minmax_ops; 4064 bytea_minmax_ops; 4065 name_minmax_ops; 4068 oid_minmax_ops; 4069 tid_minmax_ops; 4070 float_minmax_ops
4074 macaddr_minmax_ops; 4075 network_minmax_ops; 4076 bpchar_minmax_ops; 4077 time_minmax_ops; 4078 interval_minmax_ops
4079 bit_minmax_ops; 4080 varbit_minmax_ops; 4081 uuid_minmax_ops; 4082 pg_lsn_minmax_ops; 4102 network_inclusion_ops
4103 range_inclusion_ops; 4109 macaddr8_minmax_ops; 4572 integer_bloom_ops; 4573 text_bloom_ops; 4574 numeric_bloom_ops
4575 timetz_bloom_ops; 4576 datetime_bloom_ops; 4577 char_bloom_ops; 4578 bytea_bloom_ops; 4579 name_bloom_ops; 4580 oid_bloom_ops
4581 tid_bloom_ops; 4582 float_bloom_ops; 4583 macaddr_bloom_ops; 4584 macaddr8_bloom_ops; 4585 network_bloom_ops; 4586 bpchar_bloom_ops
4587 time_bloom_ops; 4588 interval_bloom_ops; 4589 uuid_bloom_ops; 4590 pg_lsn_bloom_ops; 4602 integer_minmax_multi_ops
4603 numeric_minmax_multi_ops; 4604 timetz_minmax_multi_ops; 4605 datetime_minmax_multi_ops; 4606 oid_minmax_multi_ops
4607 tid_minmax_multi_ops; 4608 float_minmax_multi_ops; 4609 macaddr_minmax_multi_ops; 4610 macaddr8_minmax_multi_ops
4611 network_minmax_multi_ops; 4612 time_minmax_multi_ops; 4613 interval_minmax_multi_ops; 4614 uuid_minmax_multi_ops
4615 pg_lsn_minmax_multi_ops
`;
