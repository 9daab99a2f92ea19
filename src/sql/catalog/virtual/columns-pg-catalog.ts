/**
 * Oid, name, kind and columns of the relations of pg_catalog, as PostgreSQL 15 has them: neighbouring columns of
 * one type stand together, in attnum order. A relation is one line; a line that begins with blanks continues it.
 * In base catalogs numbers, names and oids are NOT NULL and nothing else is, but for the columns marked: ! is NOT NULL, ? is not.
 */
export const PG_CATALOG_COLUMNS = `
826 pg_default_acl r: oid(oid defaclrole defaclnamespace) char(defaclobjtype) _aclitem(defaclacl!)
1213 pg_tablespace r: oid(oid) name(spcname) oid(spcowner) _aclitem(spcacl) _text(spcoptions)
1214 pg_shdepend r: oid(dbid classid objid) int4(objsubid) oid(refclassid refobjid) char(deptype)
1247 pg_type r: oid(oid) name(typname) oid(typnamespace typowner) int2(typlen) bool(typbyval) char(typtype typcategory)
  bool(typispreferred typisdefined) char(typdelim) oid(typrelid) regproc(typsubscript) oid(typelem typarray) regproc(typinput
  typoutput typreceive typsend typmodin typmodout typanalyze) char(typalign typstorage) bool(typnotnull) oid(typbasetype)
  int4(typtypmod typndims) oid(typcollation) pg_node_tree(typdefaultbin) text(typdefault) _aclitem(typacl)
1249 pg_attribute r: oid(attrelid) name(attname) oid(atttypid) int4(attstattarget) int2(attlen attnum) int4(attndims attcacheoff
  atttypmod) bool(attbyval) char(attalign attstorage attcompression) bool(attnotnull atthasdef atthasmissing) char(attidentity
  attgenerated) bool(attisdropped attislocal) int4(attinhcount) oid(attcollation) _aclitem(attacl) _text(attoptions attfdwoptions)
  anyarray(attmissingval)
1255 pg_proc r: oid(oid) name(proname) oid(pronamespace proowner prolang) float4(procost prorows) oid(provariadic)
  regproc(prosupport) char(prokind) bool(prosecdef proleakproof proisstrict proretset) char(provolatile proparallel) int2(pronargs
  pronargdefaults) oid(prorettype) oidvector(proargtypes!) _oid(proallargtypes) _char(proargmodes) _text(proargnames)
  pg_node_tree(proargdefaults) _oid(protrftypes) text(prosrc! probin) pg_node_tree(prosqlbody) _text(proconfig) _aclitem(proacl)
1259 pg_class r: oid(oid) name(relname) oid(relnamespace reltype reloftype relowner relam relfilenode reltablespace)
  int4(relpages) float4(reltuples) int4(relallvisible) oid(reltoastrelid) bool(relhasindex relisshared) char(relpersistence
  relkind) int2(relnatts relchecks) bool(relhasrules relhastriggers relhassubclass relrowsecurity relforcerowsecurity
  relispopulated) char(relreplident) bool(relispartition) oid(relrewrite) xid(relfrozenxid relminmxid) _aclitem(relacl)
  _text(reloptions) pg_node_tree(relpartbound)
1260 pg_authid r: oid(oid) name(rolname) bool(rolsuper rolinherit rolcreaterole rolcreatedb rolcanlogin rolreplication
  rolbypassrls) int4(rolconnlimit) text(rolpassword) timestamptz(rolvaliduntil)
1261 pg_auth_members r: oid(roleid member grantor) bool(admin_option)
1262 pg_database r: oid(oid) name(datname) oid(datdba) int4(encoding) char(datlocprovider) bool(datistemplate datallowconn)
  int4(datconnlimit) xid(datfrozenxid datminmxid) oid(dattablespace) text(datcollate! datctype! daticulocale datcollversion)
  _aclitem(datacl)
1417 pg_foreign_server r: oid(oid) name(srvname) oid(srvowner srvfdw) text(srvtype srvversion) _aclitem(srvacl) _text(srvoptions)
1418 pg_user_mapping r: oid(oid umuser umserver) _text(umoptions)
2224 pg_sequence r: oid(seqrelid seqtypid) int8(seqstart! seqincrement! seqmax! seqmin! seqcache!) bool(seqcycle)
2328 pg_foreign_data_wrapper r: oid(oid) name(fdwname) oid(fdwowner fdwhandler fdwvalidator) _aclitem(fdwacl) _text(fdwoptions)
2396 pg_shdescription r: oid(objoid classoid) text(description!)
2600 pg_aggregate r: regproc(aggfnoid) char(aggkind) int2(aggnumdirectargs) regproc(aggtransfn aggfinalfn aggcombinefn aggserialfn
  aggdeserialfn aggmtransfn aggminvtransfn aggmfinalfn) bool(aggfinalextra aggmfinalextra) char(aggfinalmodify aggmfinalmodify)
  oid(aggsortop aggtranstype) int4(aggtransspace) oid(aggmtranstype) int4(aggmtransspace) text(agginitval aggminitval)
2601 pg_am r: oid(oid) name(amname) regproc(amhandler) char(amtype)
2602 pg_amop r: oid(oid amopfamily amoplefttype amoprighttype) int2(amopstrategy) char(amoppurpose) oid(amopopr amopmethod
  amopsortfamily)
2603 pg_amproc r: oid(oid amprocfamily amproclefttype amprocrighttype) int2(amprocnum) regproc(amproc)
2604 pg_attrdef r: oid(oid adrelid) int2(adnum) pg_node_tree(adbin!)
2605 pg_cast r: oid(oid castsource casttarget castfunc) char(castcontext castmethod)
2606 pg_constraint r: oid(oid) name(conname) oid(connamespace) char(contype) bool(condeferrable condeferred convalidated)
  oid(conrelid contypid conindid conparentid confrelid) char(confupdtype confdeltype confmatchtype) bool(conislocal)
  int4(coninhcount) bool(connoinherit) _int2(conkey confkey) _oid(conpfeqop conppeqop conffeqop) _int2(confdelsetcols)
  _oid(conexclop) pg_node_tree(conbin)
2607 pg_conversion r: oid(oid) name(conname) oid(connamespace conowner) int4(conforencoding contoencoding) regproc(conproc)
  bool(condefault)
2608 pg_depend r: oid(classid objid) int4(objsubid) oid(refclassid refobjid) int4(refobjsubid) char(deptype)
2609 pg_description r: oid(objoid classoid) int4(objsubid) text(description!)
2610 pg_index r: oid(indexrelid indrelid) int2(indnatts indnkeyatts) bool(indisunique indnullsnotdistinct indisprimary
  indisexclusion indimmediate indisclustered indisvalid indcheckxmin indisready indislive indisreplident) int2vector(indkey!)
  oidvector(indcollation! indclass!) int2vector(indoption!) pg_node_tree(indexprs indpred)
2611 pg_inherits r: oid(inhrelid inhparent) int4(inhseqno) bool(inhdetachpending)
2612 pg_language r: oid(oid) name(lanname) oid(lanowner) bool(lanispl lanpltrusted) oid(lanplcallfoid laninline lanvalidator)
  _aclitem(lanacl)
2613 pg_largeobject r: oid(loid) int4(pageno) bytea(data!)
2615 pg_namespace r: oid(oid) name(nspname) oid(nspowner) _aclitem(nspacl)
2616 pg_opclass r: oid(oid opcmethod) name(opcname) oid(opcnamespace opcowner opcfamily opcintype) bool(opcdefault)
  oid(opckeytype)
2617 pg_operator r: oid(oid) name(oprname) oid(oprnamespace oprowner) char(oprkind) bool(oprcanmerge oprcanhash) oid(oprleft
  oprright oprresult oprcom oprnegate) regproc(oprcode oprrest oprjoin)
2618 pg_rewrite r: oid(oid) name(rulename) oid(ev_class) char(ev_type ev_enabled) bool(is_instead) pg_node_tree(ev_qual!
  ev_action!)
2619 pg_statistic r: oid(starelid) int2(staattnum) bool(stainherit) float4(stanullfrac) int4(stawidth) float4(stadistinct)
  int2(stakind1 stakind2 stakind3 stakind4 stakind5) oid(staop1 staop2 staop3 staop4 staop5 stacoll1 stacoll2 stacoll3 stacoll4
  stacoll5) _float4(stanumbers1 stanumbers2 stanumbers3 stanumbers4 stanumbers5) anyarray(stavalues1 stavalues2 stavalues3
  stavalues4 stavalues5)
2620 pg_trigger r: oid(oid tgrelid tgparentid) name(tgname) oid(tgfoid) int2(tgtype) char(tgenabled) bool(tgisinternal)
  oid(tgconstrrelid tgconstrindid tgconstraint) bool(tgdeferrable tginitdeferred) int2(tgnargs) int2vector(tgattr!) bytea(tgargs!)
  pg_node_tree(tgqual) name(tgoldtable? tgnewtable?)
2753 pg_opfamily r: oid(oid opfmethod) name(opfname) oid(opfnamespace opfowner)
2964 pg_db_role_setting r: oid(setdatabase setrole) _text(setconfig)
2995 pg_largeobject_metadata r: oid(oid lomowner) _aclitem(lomacl)
3079 pg_extension r: oid(oid) name(extname) oid(extowner extnamespace) bool(extrelocatable) text(extversion!) _oid(extconfig)
  _text(extcondition)
3118 pg_foreign_table r: oid(ftrelid ftserver) _text(ftoptions)
3256 pg_policy r: oid(oid) name(polname) oid(polrelid) char(polcmd) bool(polpermissive) _oid(polroles!) pg_node_tree(polqual
  polwithcheck)
3350 pg_partitioned_table r: oid(partrelid) char(partstrat) int2(partnatts) oid(partdefid) int2vector(partattrs!)
  oidvector(partclass! partcollation!) pg_node_tree(partexprs)
3381 pg_statistic_ext r: oid(oid stxrelid) name(stxname) oid(stxnamespace stxowner) int4(stxstattarget) int2vector(stxkeys!)
  _char(stxkind!) pg_node_tree(stxexprs)
3394 pg_init_privs r: oid(objoid classoid) int4(objsubid) char(privtype) _aclitem(initprivs!)
3429 pg_statistic_ext_data r: oid(stxoid) bool(stxdinherit) pg_ndistinct(stxdndistinct) pg_dependencies(stxddependencies)
  pg_mcv_list(stxdmcv) _text(stxdexpr)
3456 pg_collation r: oid(oid) name(collname) oid(collnamespace collowner) char(collprovider) bool(collisdeterministic)
  int4(collencoding) text(collcollate collctype colliculocale collversion)
3466 pg_event_trigger r: oid(oid) name(evtname evtevent) oid(evtowner evtfoid) char(evtenabled) _text(evttags)
3501 pg_enum r: oid(oid enumtypid) float4(enumsortorder) name(enumlabel)
3541 pg_range r: oid(rngtypid rngsubtype rngmultitypid rngcollation rngsubopc) regproc(rngcanonical rngsubdiff)
3576 pg_transform r: oid(oid trftype trflang) regproc(trffromsql trftosql)
3592 pg_shseclabel r: oid(objoid classoid) text(provider! label!)
3596 pg_seclabel r: oid(objoid classoid) int4(objsubid) text(provider! label!)
3600 pg_ts_dict r: oid(oid) name(dictname) oid(dictnamespace dictowner dicttemplate) text(dictinitoption)
3601 pg_ts_parser r: oid(oid) name(prsname) oid(prsnamespace) regproc(prsstart prstoken prsend prsheadline prslextype)
3602 pg_ts_config r: oid(oid) name(cfgname) oid(cfgnamespace cfgowner cfgparser)
3603 pg_ts_config_map r: oid(mapcfg) int4(maptokentype mapseqno) oid(mapdict)
3764 pg_ts_template r: oid(oid) name(tmplname) oid(tmplnamespace) regproc(tmplinit tmpllexize)
6000 pg_replication_origin r: oid(roident) text(roname!)
6100 pg_subscription r: oid(oid subdbid) pg_lsn(subskiplsn!) name(subname) oid(subowner) bool(subenabled subbinary substream)
  char(subtwophasestate) bool(subdisableonerr) text(subconninfo!) name(subslotname?) text(subsynccommit!) _text(subpublications!)
6102 pg_subscription_rel r: oid(srsubid srrelid) char(srsubstate) pg_lsn(srsublsn)
6104 pg_publication r: oid(oid) name(pubname) oid(pubowner) bool(puballtables pubinsert pubupdate pubdelete pubtruncate
  pubviaroot)
6106 pg_publication_rel r: oid(oid prpubid prrelid) pg_node_tree(prqual) int2vector(prattrs)
6237 pg_publication_namespace r: oid(oid pnpubid pnnspid)
6243 pg_parameter_acl r: oid(oid) text(parname!) _aclitem(paracl)
12000 pg_roles v: name(rolname) bool(rolsuper rolinherit rolcreaterole rolcreatedb rolcanlogin rolreplication) int4(rolconnlimit)
  text(rolpassword) timestamptz(rolvaliduntil) bool(rolbypassrls) _text(rolconfig) oid(oid)
12005 pg_shadow v: name(usename) oid(usesysid) bool(usecreatedb usesuper userepl usebypassrls) text(passwd) timestamptz(valuntil)
  _text(useconfig)
12010 pg_group v: name(groname) oid(grosysid) _oid(grolist)
12014 pg_user v: name(usename) oid(usesysid) bool(usecreatedb usesuper userepl usebypassrls) text(passwd) timestamptz(valuntil)
  _text(useconfig)
12018 pg_policies v: name(schemaname tablename policyname) text(permissive) _name(roles) text(cmd qual with_check)
12023 pg_rules v: name(schemaname tablename rulename) text(definition)
12028 pg_views v: name(schemaname viewname viewowner) text(definition)
12033 pg_tables v: name(schemaname tablename tableowner tablespace) bool(hasindexes hasrules hastriggers rowsecurity)
12038 pg_matviews v: name(schemaname matviewname matviewowner tablespace) bool(hasindexes ispopulated) text(definition)
12043 pg_indexes v: name(schemaname tablename indexname tablespace) text(indexdef)
12048 pg_sequences v: name(schemaname sequencename sequenceowner) regtype(data_type) int8(start_value min_value max_value
  increment_by) bool(cycle) int8(cache_size last_value)
12053 pg_stats v: name(schemaname tablename attname) bool(inherited) float4(null_frac) int4(avg_width) float4(n_distinct)
  anyarray(most_common_vals) _float4(most_common_freqs) anyarray(histogram_bounds) float4(correlation) anyarray(most_common_elems)
  _float4(most_common_elem_freqs elem_count_histogram)
12058 pg_stats_ext v: name(schemaname tablename statistics_schemaname statistics_name statistics_owner) _name(attnames)
  _text(exprs) _char(kinds) bool(inherited) pg_ndistinct(n_distinct) pg_dependencies(dependencies) _text(most_common_vals)
  _bool(most_common_val_nulls) _float8(most_common_freqs most_common_base_freqs)
12063 pg_stats_ext_exprs v: name(schemaname tablename statistics_schemaname statistics_name statistics_owner) text(expr)
  bool(inherited) float4(null_frac) int4(avg_width) float4(n_distinct) anyarray(most_common_vals) _float4(most_common_freqs)
  anyarray(histogram_bounds) float4(correlation) anyarray(most_common_elems) _float4(most_common_elem_freqs elem_count_histogram)
12068 pg_publication_tables v: name(pubname schemaname tablename) _name(attnames) text(rowfilter)
12073 pg_locks v: text(locktype) oid(database relation) int4(page) int2(tuple) text(virtualxid) xid(transactionid) oid(classid
  objid) int2(objsubid) text(virtualtransaction) int4(pid) text(mode) bool(granted fastpath) timestamptz(waitstart)
12077 pg_cursors v: text(name statement) bool(is_holdable is_binary is_scrollable) timestamptz(creation_time)
12081 pg_available_extensions v: name(name) text(default_version installed_version comment)
12085 pg_available_extension_versions v: name(name) text(version) bool(installed superuser trusted relocatable) name(schema)
  _name(requires) text(comment)
12090 pg_prepared_xacts v: xid(transaction) text(gid) timestamptz(prepared) name(owner database)
12095 pg_prepared_statements v: text(name statement) timestamptz(prepare_time) _regtype(parameter_types) bool(from_sql)
  int8(generic_plans custom_plans)
12099 pg_seclabels v: oid(objoid classoid) int4(objsubid) text(objtype) oid(objnamespace) text(objname provider label)
12104 pg_settings v: text(name setting unit category short_desc extra_desc context vartype source min_val max_val) _text(enumvals)
  text(boot_val reset_val sourcefile) int4(sourceline) bool(pending_restart)
12122 pg_timezone_abbrevs v: text(abbrev) interval(utc_offset) bool(is_dst)
12126 pg_timezone_names v: text(name abbrev) interval(utc_offset) bool(is_dst)
12142 pg_stat_all_tables v: oid(relid) name(schemaname relname) int8(seq_scan seq_tup_read idx_scan idx_tup_fetch n_tup_ins
  n_tup_upd n_tup_del n_tup_hot_upd n_live_tup n_dead_tup n_mod_since_analyze n_ins_since_vacuum) timestamptz(last_vacuum
  last_autovacuum last_analyze last_autoanalyze) int8(vacuum_count autovacuum_count analyze_count autoanalyze_count)
12147 pg_stat_xact_all_tables v: oid(relid) name(schemaname relname) int8(seq_scan seq_tup_read idx_scan idx_tup_fetch n_tup_ins
  n_tup_upd n_tup_del n_tup_hot_upd)
12152 pg_stat_sys_tables v: oid(relid) name(schemaname relname) int8(seq_scan seq_tup_read idx_scan idx_tup_fetch n_tup_ins
  n_tup_upd n_tup_del n_tup_hot_upd n_live_tup n_dead_tup n_mod_since_analyze n_ins_since_vacuum) timestamptz(last_vacuum
  last_autovacuum last_analyze last_autoanalyze) int8(vacuum_count autovacuum_count analyze_count autoanalyze_count)
12157 pg_stat_xact_sys_tables v: oid(relid) name(schemaname relname) int8(seq_scan seq_tup_read idx_scan idx_tup_fetch n_tup_ins
  n_tup_upd n_tup_del n_tup_hot_upd)
12161 pg_stat_user_tables v: oid(relid) name(schemaname relname) int8(seq_scan seq_tup_read idx_scan idx_tup_fetch n_tup_ins
  n_tup_upd n_tup_del n_tup_hot_upd n_live_tup n_dead_tup n_mod_since_analyze n_ins_since_vacuum) timestamptz(last_vacuum
  last_autovacuum last_analyze last_autoanalyze) int8(vacuum_count autovacuum_count analyze_count autoanalyze_count)
12166 pg_stat_xact_user_tables v: oid(relid) name(schemaname relname) int8(seq_scan seq_tup_read idx_scan idx_tup_fetch n_tup_ins
  n_tup_upd n_tup_del n_tup_hot_upd)
12170 pg_statio_all_tables v: oid(relid) name(schemaname relname) int8(heap_blks_read heap_blks_hit idx_blks_read idx_blks_hit
  toast_blks_read toast_blks_hit tidx_blks_read tidx_blks_hit)
12175 pg_statio_sys_tables v: oid(relid) name(schemaname relname) int8(heap_blks_read heap_blks_hit idx_blks_read idx_blks_hit
  toast_blks_read toast_blks_hit tidx_blks_read tidx_blks_hit)
12179 pg_statio_user_tables v: oid(relid) name(schemaname relname) int8(heap_blks_read heap_blks_hit idx_blks_read idx_blks_hit
  toast_blks_read toast_blks_hit tidx_blks_read tidx_blks_hit)
12183 pg_stat_all_indexes v: oid(relid indexrelid) name(schemaname relname indexrelname) int8(idx_scan idx_tup_read idx_tup_fetch)
12188 pg_stat_sys_indexes v: oid(relid indexrelid) name(schemaname relname indexrelname) int8(idx_scan idx_tup_read idx_tup_fetch)
12192 pg_stat_user_indexes v: oid(relid indexrelid) name(schemaname relname indexrelname) int8(idx_scan idx_tup_read
  idx_tup_fetch)
12196 pg_statio_all_indexes v: oid(relid indexrelid) name(schemaname relname indexrelname) int8(idx_blks_read idx_blks_hit)
12201 pg_statio_sys_indexes v: oid(relid indexrelid) name(schemaname relname indexrelname) int8(idx_blks_read idx_blks_hit)
12205 pg_statio_user_indexes v: oid(relid indexrelid) name(schemaname relname indexrelname) int8(idx_blks_read idx_blks_hit)
12209 pg_statio_all_sequences v: oid(relid) name(schemaname relname) int8(blks_read blks_hit)
12214 pg_statio_sys_sequences v: oid(relid) name(schemaname relname) int8(blks_read blks_hit)
12218 pg_statio_user_sequences v: oid(relid) name(schemaname relname) int8(blks_read blks_hit)
12222 pg_stat_activity v: oid(datid) name(datname) int4(pid leader_pid) oid(usesysid) name(usename) text(application_name)
  inet(client_addr) text(client_hostname) int4(client_port) timestamptz(backend_start xact_start query_start state_change)
  text(wait_event_type wait_event state) xid(backend_xid backend_xmin) int8(query_id) text(query backend_type)
12227 pg_stat_replication v: int4(pid) oid(usesysid) name(usename) text(application_name) inet(client_addr) text(client_hostname)
  int4(client_port) timestamptz(backend_start) xid(backend_xmin) text(state) pg_lsn(sent_lsn write_lsn flush_lsn replay_lsn)
  interval(write_lag flush_lag replay_lag) int4(sync_priority) text(sync_state) timestamptz(reply_time)
12236 pg_stat_wal_receiver v: int4(pid) text(status) pg_lsn(receive_start_lsn) int4(receive_start_tli) pg_lsn(written_lsn
  flushed_lsn) int4(received_tli) timestamptz(last_msg_send_time last_msg_receipt_time) pg_lsn(latest_end_lsn)
  timestamptz(latest_end_time) text(slot_name sender_host) int4(sender_port) text(conninfo)
12244 pg_stat_subscription v: oid(subid) name(subname) int4(pid) oid(relid) pg_lsn(received_lsn) timestamptz(last_msg_send_time
  last_msg_receipt_time) pg_lsn(latest_end_lsn) timestamptz(latest_end_time)
12249 pg_stat_ssl v: int4(pid) bool(ssl) text(version cipher) int4(bits) text(client_dn) numeric(client_serial) text(issuer_dn)
12257 pg_replication_slots v: name(slot_name plugin) text(slot_type) oid(datoid) name(database) bool(temporary active)
  int4(active_pid) xid(xmin catalog_xmin) pg_lsn(restart_lsn confirmed_flush_lsn) text(wal_status) int8(safe_wal_size)
  bool(two_phase)
12262 pg_stat_replication_slots v: text(slot_name) int8(spill_txns spill_count spill_bytes stream_txns stream_count stream_bytes
  total_txns total_bytes) timestamptz(stats_reset)
12266 pg_stat_database v: oid(datid) name(datname) int4(numbackends) int8(xact_commit xact_rollback blks_read blks_hit
  tup_returned tup_fetched tup_inserted tup_updated tup_deleted conflicts temp_files temp_bytes deadlocks checksum_failures)
  timestamptz(checksum_last_failure) float8(blk_read_time blk_write_time session_time active_time idle_in_transaction_time)
  int8(sessions sessions_abandoned sessions_fatal sessions_killed) timestamptz(stats_reset)
12271 pg_stat_database_conflicts v: oid(datid) name(datname) int8(confl_tablespace confl_lock confl_snapshot confl_bufferpin
  confl_deadlock)
12275 pg_stat_user_functions v: oid(funcid) name(schemaname funcname) int8(calls) float8(total_time self_time)
12280 pg_stat_xact_user_functions v: oid(funcid) name(schemaname funcname) int8(calls) float8(total_time self_time)
12289 pg_stat_bgwriter v: int8(checkpoints_timed checkpoints_req) float8(checkpoint_write_time checkpoint_sync_time)
  int8(buffers_checkpoint buffers_clean maxwritten_clean buffers_backend buffers_backend_fsync buffers_alloc)
  timestamptz(stats_reset)
12327 pg_user_mappings v: oid(umid srvid) name(srvname) oid(umuser) name(usename) _text(umoptions)
12332 pg_replication_origin_status v: oid(local_id) text(external_id) pg_lsn(remote_lsn local_lsn)
12336 pg_stat_subscription_stats v: oid(subid) name(subname) int8(apply_error_count sync_error_count) timestamptz(stats_reset)
12138 pg_backend_memory_contexts v: text(name ident parent) int4(level) int8(total_bytes total_nblocks free_bytes free_chunks
  used_bytes)
12130 pg_config v: text(name setting)
12110 pg_file_settings v: text(sourcefile) int4(sourceline seqno) text(name setting) bool(applied) text(error)
12114 pg_hba_file_rules v: int4(line_number) text(type) _text(database user_name) text(address netmask auth_method) _text(options)
  text(error)
12118 pg_ident_file_mappings v: int4(line_number) text(map_name sys_name pg_username error)
12134 pg_shmem_allocations v: text(name) int8(off size allocated_size)
12285 pg_stat_archiver v: int8(archived_count) text(last_archived_wal) timestamptz(last_archived_time) int8(failed_count)
  text(last_failed_wal) timestamptz(last_failed_time stats_reset)
12253 pg_stat_gssapi v: int4(pid) bool(gss_authenticated) text(principal) bool(encrypted)
12297 pg_stat_progress_analyze v: int4(pid) oid(datid) name(datname) oid(relid) text(phase) int8(sample_blks_total
  sample_blks_scanned ext_stats_total ext_stats_computed child_tables_total child_tables_done) oid(current_child_table_relid)
12317 pg_stat_progress_basebackup v: int4(pid) text(phase) int8(backup_total backup_streamed tablespaces_total
  tablespaces_streamed)
12307 pg_stat_progress_cluster v: int4(pid) oid(datid) name(datname) oid(relid) text(command phase) oid(cluster_index_relid)
  int8(heap_tuples_scanned heap_tuples_written heap_blks_total heap_blks_scanned index_rebuild_count)
12322 pg_stat_progress_copy v: int4(pid) oid(datid) name(datname) oid(relid) text(command type) int8(bytes_processed bytes_total
  tuples_processed tuples_excluded)
12312 pg_stat_progress_create_index v: int4(pid) oid(datid) name(datname) oid(relid index_relid) text(command phase)
  int8(lockers_total lockers_done current_locker_pid blocks_total blocks_done tuples_total tuples_done partitions_total
  partitions_done)
12302 pg_stat_progress_vacuum v: int4(pid) oid(datid) name(datname) oid(relid) text(phase) int8(heap_blks_total heap_blks_scanned
  heap_blks_vacuumed index_vacuum_count max_dead_tuples num_dead_tuples)
12240 pg_stat_recovery_prefetch v: timestamptz(stats_reset) int8(prefetch hit skip_init skip_new skip_fpw skip_rep)
  int4(wal_distance block_distance io_depth)
12232 pg_stat_slru v: text(name) int8(blks_zeroed blks_hit blks_read blks_written blks_exists flushes truncates)
  timestamptz(stats_reset)
12293 pg_stat_wal v: int8(wal_records wal_fpi) numeric(wal_bytes) int8(wal_buffers_full wal_write wal_sync) float8(wal_write_time
  wal_sync_time) timestamptz(stats_reset)
`;
