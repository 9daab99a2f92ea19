/**
 * The functions by which types are read, written and converted, as pg_type and pg_cast name them and PostgreSQL 15 has them in
 * pg_proc: clients tell an array by its array_recv. Here they are methods of the types, and no statement can call them.
 * Window functions and the handlers of PL/pgSQL, which are no functions here either.
 */
import type { Datum } from '../../types/datum.js';
import { oidvector } from './model.js';
import type { Values } from './layout.js';

/** Columns of a row of pg_proc. */
export type Uncalled = Values &
  Readonly<Record<'oid' | 'prorettype' | 'proargtypes', Datum>> & { readonly oid: number };

/** oid proname prorettype proargtypes provolatile */
const TEXT = `
31 byteaout 2275 17 i; 33 charout 2275 18 i; 34 namein 19 2275 i; 35 nameout 2275 19 i; 38 int2in 21 2275 i
39 int2out 2275 21 i; 40 int2vectorin 22 2275 i; 41 int2vectorout 2275 22 i; 42 int4in 23 2275 i; 43 int4out 2275 23 i
44 regprocin 24 2275 s; 45 regprocout 2275 24 s; 46 textin 25 2275 i; 47 textout 2275 25 i; 48 tidin 27 2275 i
49 tidout 2275 27 i; 50 xidin 28 2275 i; 51 xidout 2275 28 i; 52 cidin 29 2275 i; 53 cidout 2275 29 i
54 oidvectorin 30 2275 i; 55 oidvectorout 2275 30 i; 86 pg_ddl_command_in 32 2275 i; 87 pg_ddl_command_out 2275 32 i
88 pg_ddl_command_recv 32 2281 i; 90 pg_ddl_command_send 17 32 i; 109 unknownin 705 2275 i; 110 unknownout 2275 705 i
117 point_in 600 2275 i; 118 point_out 2275 600 i; 119 lseg_in 601 2275 i; 120 lseg_out 2275 601 i
121 path_in 602 2275 i; 122 path_out 2275 602 i; 123 box_in 603 2275 i; 124 box_out 2275 603 i
195 pg_node_tree_in 194 2275 i; 196 pg_node_tree_out 2275 194 i; 197 pg_node_tree_recv 194 2281 s
198 pg_node_tree_send 17 194 s; 200 float4in 700 2275 i; 201 float4out 2275 700 i; 214 float8in 701 2275 i
215 float8out 2275 701 i; 267 table_am_handler_in 269 2275 i; 268 table_am_handler_out 2275 269 i
321 json_in 114 2275 i; 322 json_out 2275 114 i; 323 json_recv 114 2281 i; 324 json_send 17 114 i
326 index_am_handler_in 325 2275 i; 327 index_am_handler_out 2275 325 i; 347 poly_in 604 2275 i
348 poly_out 2275 604 i; 436 macaddr_in 829 2275 i; 437 macaddr_out 2275 829 i; 460 int8in 20 2275 i
461 int8out 2275 20 i; 750 array_in 2277 2275,26,23 s; 751 array_out 2275 2277 s; 886 cash_in 790 2275 s
887 cash_out 2275 790 s; 910 inet_in 869 2275 i; 911 inet_out 2275 869 i; 1031 aclitemin 1033 2275 s
1032 aclitemout 2275 1033 s; 1044 bpcharin 1042 2275,26,23 i; 1045 bpcharout 2275 1042 i
1046 varcharin 1043 2275,26,23 i; 1047 varcharout 2275 1043 i; 1084 date_in 1082 2275 s; 1085 date_out 2275 1082 s
1143 time_in 1083 2275,26,23 s; 1144 time_out 2275 1083 i; 1150 timestamptz_in 1184 2275,26,23 s
1151 timestamptz_out 2275 1184 s; 1160 interval_in 1186 2275,26,23 s; 1161 interval_out 2275 1186 s
1242 boolin 16 2275 i; 1243 boolout 2275 16 i; 1244 byteain 17 2275 i; 1245 charin 18 2275 i; 1267 cidr_in 650 2275 i
1312 timestamp_in 1114 2275,26,23 s; 1313 timestamp_out 2275 1114 s; 1350 timetz_in 1266 2275,26,23 s
1351 timetz_out 2275 1266 i; 1427 cidr_out 2275 650 i; 1450 circle_in 718 2275 i; 1451 circle_out 2275 718 i
1490 line_in 628 2275 i; 1491 line_out 2275 628 i; 1564 bit_in 1560 2275,26,23 i; 1565 bit_out 2275 1560 i
1579 varbit_in 1562 2275,26,23 i; 1580 varbit_out 2275 1562 i; 1701 numeric_in 1700 2275,26,23 i
1702 numeric_out 2275 1700 i; 1798 oidin 26 2275 i; 1799 oidout 2275 26 i; 2212 regprocedurein 2202 2275 s
2213 regprocedureout 2275 2202 s; 2214 regoperin 2203 2275 s; 2215 regoperout 2275 2203 s
2216 regoperatorin 2204 2275 s; 2217 regoperatorout 2275 2204 s; 2218 regclassin 2205 2275 s
2219 regclassout 2275 2205 s; 2220 regtypein 2206 2275 s; 2221 regtypeout 2275 2206 s
2290 record_in 2249 2275,26,23 s; 2291 record_out 2275 2249 s; 2292 cstring_in 2275 2275 i
2293 cstring_out 2275 2275 i; 2294 any_in 2276 2275 i; 2295 any_out 2275 2276 i; 2296 anyarray_in 2277 2275 i
2297 anyarray_out 2275 2277 s; 2298 void_in 2278 2275 i; 2299 void_out 2275 2278 i; 2300 trigger_in 2279 2275 i
2301 trigger_out 2275 2279 i; 2302 language_handler_in 2280 2275 i; 2303 language_handler_out 2275 2280 i
2304 internal_in 2281 2275 i; 2305 internal_out 2275 2281 i; 2312 anyelement_in 2283 2275 i
2313 anyelement_out 2275 2283 i; 2400 array_recv 2277 2281,26,23 s; 2401 array_send 17 2277 s
2402 record_recv 2249 2281,26,23 s; 2403 record_send 17 2249 s; 2404 int2recv 21 2281 i; 2405 int2send 17 21 i
2406 int4recv 23 2281 i; 2407 int4send 17 23 i; 2408 int8recv 20 2281 i; 2409 int8send 17 20 i
2410 int2vectorrecv 22 2281 i; 2411 int2vectorsend 17 22 i; 2412 bytearecv 17 2281 i; 2413 byteasend 17 17 i
2414 textrecv 25 2281 s; 2415 textsend 17 25 s; 2416 unknownrecv 705 2281 i; 2417 unknownsend 17 705 i
2418 oidrecv 26 2281 i; 2419 oidsend 17 26 i; 2420 oidvectorrecv 30 2281 i; 2421 oidvectorsend 17 30 i
2422 namerecv 19 2281 s; 2423 namesend 17 19 s; 2424 float4recv 700 2281 i; 2425 float4send 17 700 i
2426 float8recv 701 2281 i; 2427 float8send 17 701 i; 2428 point_recv 600 2281 i; 2429 point_send 17 600 i
2430 bpcharrecv 1042 2281,26,23 s; 2431 bpcharsend 17 1042 s; 2432 varcharrecv 1043 2281,26,23 s
2433 varcharsend 17 1043 s; 2434 charrecv 18 2281 i; 2435 charsend 17 18 i; 2436 boolrecv 16 2281 i
2437 boolsend 17 16 i; 2438 tidrecv 27 2281 i; 2439 tidsend 17 27 i; 2440 xidrecv 28 2281 i; 2441 xidsend 17 28 i
2442 cidrecv 29 2281 i; 2443 cidsend 17 29 i; 2444 regprocrecv 24 2281 i; 2445 regprocsend 17 24 i
2446 regprocedurerecv 2202 2281 i; 2447 regproceduresend 17 2202 i; 2448 regoperrecv 2203 2281 i
2449 regopersend 17 2203 i; 2450 regoperatorrecv 2204 2281 i; 2451 regoperatorsend 17 2204 i
2452 regclassrecv 2205 2281 i; 2453 regclasssend 17 2205 i; 2454 regtyperecv 2206 2281 i; 2455 regtypesend 17 2206 i
2456 bit_recv 1560 2281,26,23 i; 2457 bit_send 17 1560 i; 2458 varbit_recv 1562 2281,26,23 i
2459 varbit_send 17 1562 i; 2460 numeric_recv 1700 2281,26,23 i; 2461 numeric_send 17 1700 i
2468 date_recv 1082 2281 i; 2469 date_send 17 1082 i; 2470 time_recv 1083 2281,26,23 i; 2471 time_send 17 1083 i
2472 timetz_recv 1266 2281,26,23 i; 2473 timetz_send 17 1266 i; 2474 timestamp_recv 1114 2281,26,23 i
2475 timestamp_send 17 1114 i; 2476 timestamptz_recv 1184 2281,26,23 i; 2477 timestamptz_send 17 1184 i
2478 interval_recv 1186 2281,26,23 i; 2479 interval_send 17 1186 i; 2480 lseg_recv 601 2281 i; 2481 lseg_send 17 601 i
2482 path_recv 602 2281 i; 2483 path_send 17 602 i; 2484 box_recv 603 2281 i; 2485 box_send 17 603 i
2486 poly_recv 604 2281 i; 2487 poly_send 17 604 i; 2488 line_recv 628 2281 i; 2489 line_send 17 628 i
2490 circle_recv 718 2281 i; 2491 circle_send 17 718 i; 2492 cash_recv 790 2281 i; 2493 cash_send 17 790 i
2494 macaddr_recv 829 2281 i; 2495 macaddr_send 17 829 i; 2496 inet_recv 869 2281 i; 2497 inet_send 17 869 i
2498 cidr_recv 650 2281 i; 2499 cidr_send 17 650 i; 2500 cstring_recv 2275 2281 s; 2501 cstring_send 17 2275 s
2502 anyarray_recv 2277 2281 s; 2503 anyarray_send 17 2277 s; 2597 domain_in 2276 2275,26,23 s
2598 domain_recv 2276 2281,26,23 s; 2777 anynonarray_in 2776 2275 i; 2778 anynonarray_out 2275 2776 i
2893 xml_in 142 2275 s; 2894 xml_out 2275 142 i; 2898 xml_recv 142 2281 s; 2899 xml_send 17 142 s
2902 varbittypmodin 23 1263 i; 2903 intervaltypmodin 23 1263 i; 2904 intervaltypmodout 2275 23 i
2905 timestamptypmodin 23 1263 i; 2906 timestamptypmodout 2275 23 i; 2907 timestamptztypmodin 23 1263 i
2908 timestamptztypmodout 2275 23 i; 2909 timetypmodin 23 1263 i; 2910 timetypmodout 2275 23 i
2911 timetztypmodin 23 1263 i; 2912 timetztypmodout 2275 23 i; 2913 bpchartypmodin 23 1263 i
2914 bpchartypmodout 2275 23 i; 2915 varchartypmodin 23 1263 i; 2916 varchartypmodout 2275 23 i
2917 numerictypmodin 23 1263 i; 2918 numerictypmodout 2275 23 i; 2919 bittypmodin 23 1263 i
2920 bittypmodout 2275 23 i; 2921 varbittypmodout 2275 23 i; 2939 txid_snapshot_in 2970 2275 i
2940 txid_snapshot_out 2275 2970 i; 2941 txid_snapshot_recv 2970 2281 i; 2942 txid_snapshot_send 17 2970 i
2952 uuid_in 2950 2275 i; 2953 uuid_out 2275 2950 i; 2961 uuid_recv 2950 2281 i; 2962 uuid_send 17 2950 i
3116 fdw_handler_in 3115 2275 i; 3117 fdw_handler_out 2275 3115 i; 3120 void_recv 2278 2281 i
3121 void_send 17 2278 i; 3229 pg_lsn_in 3220 2275 i; 3230 pg_lsn_out 2275 3220 i; 3238 pg_lsn_recv 3220 2281 i
3239 pg_lsn_send 17 3220 i; 3311 tsm_handler_in 3310 2275 i; 3312 tsm_handler_out 2275 3310 i
3355 pg_ndistinct_in 3361 2275 i; 3356 pg_ndistinct_out 2275 3361 i; 3357 pg_ndistinct_recv 3361 2281 s
3358 pg_ndistinct_send 17 3361 s; 3404 pg_dependencies_in 3402 2275 i; 3405 pg_dependencies_out 2275 3402 i
3406 pg_dependencies_recv 3402 2281 s; 3407 pg_dependencies_send 17 3402 s; 3446 macaddr8_recv 774 2281 i
3447 macaddr8_send 17 774 i; 3504 anyenum_in 3500 2275 i; 3505 anyenum_out 2275 3500 s
3506 enum_in 3500 2275,26 s; 3507 enum_out 2275 3500 s; 3532 enum_recv 3500 2281,26 s; 3533 enum_send 17 3500 s
3594 event_trigger_in 3838 2275 i; 3595 event_trigger_out 2275 3838 i; 3610 tsvectorin 3614 2275 i
3611 tsvectorout 2275 3614 i; 3612 tsqueryin 3615 2275 i; 3613 tsqueryout 2275 3615 i; 3638 tsvectorsend 17 3614 i
3639 tsvectorrecv 3614 2281 i; 3640 tsquerysend 17 3615 i; 3641 tsqueryrecv 3615 2281 i; 3646 gtsvectorin 3642 2275 i
3647 gtsvectorout 2275 3642 i; 3688 ts_typanalyze 16 2281 s; 3736 regconfigin 3734 2275 s
3737 regconfigout 2275 3734 s; 3738 regconfigrecv 3734 2281 i; 3739 regconfigsend 17 3734 i
3771 regdictionaryin 3769 2275 s; 3772 regdictionaryout 2275 3769 s; 3773 regdictionaryrecv 3769 2281 i
3774 regdictionarysend 17 3769 i; 3803 jsonb_send 17 3802 i; 3804 jsonb_out 2275 3802 i; 3805 jsonb_recv 3802 2281 i
3806 jsonb_in 3802 2275 i; 3816 array_typanalyze 16 2281 s; 3832 anyrange_in 3831 2275,26,23 s
3833 anyrange_out 2275 3831 s; 3834 range_in 3831 2275,26,23 s; 3835 range_out 2275 3831 s
3836 range_recv 3831 2281,26,23 s; 3837 range_send 17 3831 s; 3916 range_typanalyze 16 2281 s
4001 jsonpath_in 4072 2275 i; 4002 jsonpath_recv 4072 2281 i; 4003 jsonpath_out 2275 4072 i
4004 jsonpath_send 17 4072 i; 4084 regnamespacein 4089 2275 s; 4085 regnamespaceout 2275 4089 s
4087 regnamespacerecv 4089 2281 i; 4088 regnamespacesend 17 4089 i; 4092 regroleout 2275 4096 s
4094 regrolerecv 4096 2281 i; 4095 regrolesend 17 4096 i; 4098 regrolein 4096 2275 s; 4110 macaddr8_in 774 2275 i
4111 macaddr8_out 2275 774 i; 4193 regcollationin 4191 2275 s; 4194 regcollationout 2275 4191 s
4196 regcollationrecv 4191 2281 i; 4197 regcollationsend 17 4191 i; 4226 anycompatiblemultirange_in 4538 2275,26,23 s
4227 anycompatiblemultirange_out 2275 4538 s; 4229 anymultirange_in 4537 2275,26,23 s
4230 anymultirange_out 2275 4537 s; 4231 multirange_in 4537 2275,26,23 s; 4232 multirange_out 2275 4537 s
4233 multirange_recv 4537 2281,26,23 s; 4234 multirange_send 17 4537 s; 4242 multirange_typanalyze 16 2281 s
4596 brin_bloom_summary_in 4600 2275 i; 4597 brin_bloom_summary_out 2275 4600 i
4598 brin_bloom_summary_recv 4600 2281 s; 4599 brin_bloom_summary_send 17 4600 s
4638 brin_minmax_multi_summary_in 4601 2275 i; 4639 brin_minmax_multi_summary_out 2275 4601 i
4640 brin_minmax_multi_summary_recv 4601 2281 s; 4641 brin_minmax_multi_summary_send 17 4601 s
5018 pg_mcv_list_in 5017 2275 i; 5019 pg_mcv_list_out 2275 5017 i; 5020 pg_mcv_list_recv 5017 2281 s
5021 pg_mcv_list_send 17 5017 s; 5055 pg_snapshot_in 5038 2275 i; 5056 pg_snapshot_out 2275 5038 i
5057 pg_snapshot_recv 5038 2281 i; 5058 pg_snapshot_send 17 5038 i; 5070 xid8in 5069 2275 i; 5081 xid8out 2275 5069 i
5082 xid8recv 5069 2281 i; 5083 xid8send 17 5069 i; 5086 anycompatible_in 5077 2275 i
5087 anycompatible_out 2275 5077 i; 5088 anycompatiblearray_in 5078 2275 i; 5089 anycompatiblearray_out 2275 5078 s
5090 anycompatiblearray_recv 5078 2281 s; 5091 anycompatiblearray_send 17 5078 s
5092 anycompatiblenonarray_in 5079 2275 i; 5093 anycompatiblenonarray_out 2275 5079 i
5094 anycompatiblerange_in 5080 2275,26,23 s; 5095 anycompatiblerange_out 2275 5080 s
6098 jsonb_subscript_handler 2281 2281 i; 6179 array_subscript_handler 2281 2281 i
6180 raw_array_subscript_handler 2281 2281 i
`;

/** Those behind casts (pg_cast), and access methods' (pg_am): as TEXT. */
const CASTS = `
77 int4 23 18 i; 78 char 18 23 i; 235 float8 701 21 i; 236 float4 700 21 i; 237 int2 21 701 i; 238 int2 21 700 i
311 float8 701 700 i; 312 float4 700 701 i; 313 int4 23 21 i; 314 int2 21 23 i; 316 float8 701 23 i
317 int4 23 701 i; 318 float4 700 23 i; 319 int4 23 700 i; 401 text 25 1042 i; 406 text 25 19 i; 407 name 19 25 i
408 bpchar 1042 19 i; 409 name 19 1042 i; 480 int4 23 20 i; 481 int8 20 23 i; 482 float8 701 20 i; 483 int8 20 701 i
652 float4 700 20 i; 653 int8 20 700 i; 668 bpchar 1042 1042,23,16 i; 669 varchar 1043 1043,23,16 i
714 int2 21 20 i; 754 int8 20 21 i; 860 bpchar 1042 18 i; 944 char 18 25 i; 946 text 25 18 i
1079 regclass 2205 25 s; 1174 timestamptz 1184 1082 s; 1200 interval 1186 1186,23 i; 1287 oid 26 20 i
1288 int8 20 26 i; 1316 time 1083 1114 i; 1370 interval 1186 1083 i; 1388 timetz 1266 1184 s; 1400 name 19 1043 i
1401 varchar 1043 19 i; 1419 time 1083 1186 i; 1683 bit 1560 23,23 i; 1684 int4 23 1560 i
1685 bit 1560 1560,23,16 i; 1687 varbit 1562 1562,23,16 i; 1703 numeric 1700 1700,23 i; 1715 cidr 650 869 i
1740 numeric 1700 23 i; 1742 numeric 1700 700 i; 1743 numeric 1700 701 i; 1744 int4 23 1700 i
1745 float4 700 1700 i; 1746 float8 701 1700 i; 1779 int8 20 1700 i; 1781 numeric 1700 20 i; 1782 numeric 1700 21 i
1783 int2 21 1700 i; 1961 timestamp 1114 1114,23 i; 1967 timestamptz 1184 1184,23 i; 1968 time 1083 1083,23 i
1969 timetz 1266 1266,23 i; 2019 time 1083 1184 s; 2024 timestamp 1114 1082 i; 2027 timestamp 1114 1184 s
2028 timestamptz 1184 1114 s; 2046 time 1083 1266 i; 2047 timetz 1266 1083 s; 2075 bit 1560 20,23 i
2076 int8 20 1560 i; 2246 fmgr_internal_validator 2278 26 s; 2247 fmgr_c_validator 2278 26 s
2248 fmgr_sql_validator 2278 26 s; 2557 bool 16 23 i; 2558 int4 23 16 i; 2580 float8 701 3802 i; 2896 xml 142 25 s
2971 text 25 16 i; 3449 numeric 1700 3802 i; 3450 int2 21 3802 i; 3451 int4 23 3802 i; 3452 int8 20 3802 i
3453 float4 700 3802 i; 3556 bool 16 3802 i; 4124 macaddr 829 774 i; 5071 xid 28 5069 i
`;

/** What all functions that are built in have in common is left to the caller. */
export function* typeFunctions(): Iterable<Uncalled> {
  for (const line of `${TEXT.trim()}\n${CASTS.trim()}`.split(/; |\n/)) {
    const [oid, name, result, args, volatility] = line.split(' ') as [string, string, string, string, string];
    const argOids = args.split(',').map(Number);
    yield {
      oid: Number(oid),
      proname: name,
      pronargs: argOids.length,
      prorettype: Number(result),
      proargtypes: oidvector(argOids),
      provolatile: volatility,
      prosrc: name,
    };
  }
}

/** oid proname prorettype proargtypes, strict if they take something. */
const WINDOW = `
3100 row_number 20; 3101 rank 20; 3102 dense_rank 20; 3103 percent_rank 701; 3104 cume_dist 701; 3105 ntile 23 23
3106 lag 2283 2283; 3107 lag 2283 2283,23; 3108 lag 5077 5077,23,5077; 3109 lead 2283 2283; 3110 lead 2283 2283,23
3111 lead 5077 5077,23,5077; 3112 first_value 2283 2283; 3113 last_value 2283 2283; 3114 nth_value 2283 2283,23
`;
const HANDLERS =
  '13560 plpgsql_call_handler 2280; 13561 plpgsql_inline_handler 2278 2281; 13562 plpgsql_validator 2278 26';

function* listed(text: string, shared: Values): Iterable<Uncalled> {
  for (const line of text.trim().split(/; |\n/)) {
    const [oid, name, result, args] = line.split(' ') as [string, string, string, string?];
    const argOids = args === undefined ? [] : args.split(',').map(Number);
    yield {
      ...{ oid: Number(oid), proname: name, pronargs: argOids.length, prorettype: Number(result) },
      ...{ proargtypes: oidvector(argOids), proisstrict: args !== undefined, ...shared },
    };
  }
}

export function* windowFunctions(): Iterable<Uncalled> {
  for (const one of listed(WINDOW, { prokind: 'w', provolatile: 'i' }))
    yield { ...one, prosrc: `window_${one['proname'] as string}` };
}

export function languageHandlers(): Iterable<Uncalled> {
  return listed(HANDLERS, { prokind: 'f', provolatile: 'v', proparallel: 'u', prosrc: '-' });
}
