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
