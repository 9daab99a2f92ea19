/** Names of the parameters of built-in functions that take something in: facts of PostgreSQL's catalog, by the oid of the function. */
const NAMES = `
1177 target,path,vars,silent; 1179 target,path,vars,silent; 1180 target,path,vars,silent; 1268 str,strict
1689 acl; 2022 pid; 2023 target,path,vars,silent; 2030 target,path,vars,silent; 2096 pid,timeout
2172 label,fast; 2289 options_array; 2623 filename; 2739 wait_for_archive; 2850 lsn
2923 tbl,nulls,tableforest,targetns; 2924 query,nulls,tableforest,targetns
2925 cursor,count,nulls,tableforest,targetns; 2926 tbl,nulls,tableforest,targetns
2927 query,nulls,tableforest,targetns; 2928 cursor,nulls,tableforest,targetns
2929 tbl,nulls,tableforest,targetns; 2930 query,nulls,tableforest,targetns
2933 schema,nulls,tableforest,targetns; 2934 schema,nulls,tableforest,targetns
2935 schema,nulls,tableforest,targetns; 2936 nulls,tableforest,targetns; 2937 nulls,tableforest,targetns
2938 nulls,tableforest,targetns; 3078 sequence_oid; 3084 name; 3208 from_json; 3214 from_json,field_name
3215 from_json,element_index; 3216 from_json,element_index; 3217 from_json,path_elems; 3219 from_json
3305 jsonb_in,path,replacement,create_if_missing; 3307 filename,missing_ok; 3318 cmdtype; 3322 tsvector
3343 from_json,path_elems; 3382 classid,objid,objsubid; 3423 rootrelid; 3425 partitionid; 3427 mcv_list
3436 wait,wait_seconds; 3461 year,month,mday,hour,min,sec; 3462 year,month,mday,hour,min,sec
3463 year,month,mday,hour,min,sec,timezone; 3464 years,months,weeks,days,hours,mins,secs; 3465 from_json
3478 from_json,field_name; 3579 jsonb_in,path,replacement,insert_after; 3689 query; 3690 query,weights
3713 parser_oid; 3714 parser_name; 3715 parser_oid,txt; 3716 parser_name,txt
3779 slot_name,immediately_reserve,temporary; 3782 slot_name,upto_lsn,upto_nchanges,options
3783 slot_name,upto_lsn,upto_nchanges,options; 3784 slot_name,upto_lsn,upto_nchanges,options
3785 slot_name,upto_lsn,upto_nchanges,options; 3786 slot_name,plugin,temporary,twophase; 3819 multixid
3839 classid,objid,objsubid; 3846 year,month,day; 3847 hour,min,sec; 3878 slot_name,upto_lsn; 3932 from_json
3940 from_json,path_elems; 3947 from_json,field_name; 3948 from_json,field_name; 3949 from_json,element_index
3950 from_json,element_index; 3951 from_json,path_elems; 3953 from_json,path_elems
3954 type,object_names,object_args; 3955 from_json; 3958 from_json; 3959 from_json
3960 base,from_json,use_json_as_text; 3961 base,from_json,use_json_as_text; 3969 from_json
4005 target,path,vars,silent; 4006 target,path,vars,silent; 4007 target,path,vars,silent
4008 target,path,vars,silent; 4009 target,path,vars,silent; 4220 src_slot_name,dst_slot_name,temporary
4221 src_slot_name,dst_slot_name; 4222 src_slot_name,dst_slot_name,temporary,plugin
4223 src_slot_name,dst_slot_name,temporary; 4224 src_slot_name,dst_slot_name; 5030 tablespace
5054 jsonb_in,path,replacement,create_if_missing,null_value_treatment; 6118 subid; 6119 pubname; 6168 xid
6169 slot_name; 6183 config,document; 6184 document; 6231 subid; 6272 slot_name; 13212 typid,typmod
13213 typid,typmod; 13215 typid,typmod; 13216 typid,typmod; 13217 typid,typmod; 13218 typid,typmod
13219 typid,mod
`;

let known: ReadonlyMap<number, readonly string[]> | null = null;

/** In their order, '' for one without; null: none has any. */
export function argumentNames(oid: number): readonly string[] | null {
  known ??= new Map(
    NAMES.trim()
      .split(/;\s|\n/)
      .map((entry) => {
        const [of = '', names = ''] = entry.split(' ');
        return [Number(of), names.split(',')];
      }),
  );
  return known.get(oid) ?? null;
}
