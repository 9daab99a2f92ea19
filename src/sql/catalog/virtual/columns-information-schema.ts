/**
 * Oid, name, kind and columns of the relations of information_schema, as PostgreSQL 15 has them: neighbouring columns of
 * one type stand together, in attnum order; its domains stand as the types below them. A relation is one line; a line that begins with blanks continues it.
 */
export const INFORMATION_SCHEMA_COLUMNS = `
13227 information_schema_catalog_name v: name(catalog_name)
13236 applicable_roles v: name(grantee role_name) varchar(is_grantable)
13241 administrable_role_authorizations v: name(grantee role_name) varchar(is_grantable)
13245 attributes v: name(udt_catalog udt_schema udt_name attribute_name) int4(ordinal_position) varchar(attribute_default is_nullable
  data_type) int4(character_maximum_length character_octet_length) name(character_set_catalog character_set_schema character_set_name
  collation_catalog collation_schema collation_name) int4(numeric_precision numeric_precision_radix numeric_scale datetime_precision)
  varchar(interval_type) int4(interval_precision) name(attribute_udt_catalog attribute_udt_schema attribute_udt_name scope_catalog
  scope_schema scope_name) int4(maximum_cardinality) name(dtd_identifier) varchar(is_derived_reference_attribute)
13250 character_sets v: name(character_set_catalog character_set_schema character_set_name character_repertoire form_of_use
  default_collate_catalog default_collate_schema default_collate_name)
13255 check_constraint_routine_usage v: name(constraint_catalog constraint_schema constraint_name specific_catalog specific_schema
  specific_name)
13260 check_constraints v: name(constraint_catalog constraint_schema constraint_name) varchar(check_clause)
13265 collations v: name(collation_catalog collation_schema collation_name) varchar(pad_attribute)
13270 collation_character_set_applicability v: name(collation_catalog collation_schema collation_name character_set_catalog
  character_set_schema character_set_name)
13275 column_column_usage v: name(table_catalog table_schema table_name column_name dependent_column)
13280 column_domain_usage v: name(domain_catalog domain_schema domain_name table_catalog table_schema table_name column_name)
13285 column_privileges v: name(grantor grantee table_catalog table_schema table_name column_name) varchar(privilege_type is_grantable)
13290 column_udt_usage v: name(udt_catalog udt_schema udt_name table_catalog table_schema table_name column_name)
13295 columns v: name(table_catalog table_schema table_name column_name) int4(ordinal_position) varchar(column_default is_nullable
  data_type) int4(character_maximum_length character_octet_length numeric_precision numeric_precision_radix numeric_scale
  datetime_precision) varchar(interval_type) int4(interval_precision) name(character_set_catalog character_set_schema
  character_set_name collation_catalog collation_schema collation_name domain_catalog domain_schema domain_name udt_catalog udt_schema
  udt_name scope_catalog scope_schema scope_name) int4(maximum_cardinality) name(dtd_identifier) varchar(is_self_referencing
  is_identity identity_generation identity_start identity_increment identity_maximum identity_minimum identity_cycle is_generated
  generation_expression is_updatable)
13300 constraint_column_usage v: name(table_catalog table_schema table_name column_name constraint_catalog constraint_schema
  constraint_name)
13305 constraint_table_usage v: name(table_catalog table_schema table_name constraint_catalog constraint_schema constraint_name)
13310 domain_constraints v: name(constraint_catalog constraint_schema constraint_name domain_catalog domain_schema domain_name)
  varchar(is_deferrable initially_deferred)
13315 domain_udt_usage v: name(udt_catalog udt_schema udt_name domain_catalog domain_schema domain_name)
13320 domains v: name(domain_catalog domain_schema domain_name) varchar(data_type) int4(character_maximum_length
  character_octet_length) name(character_set_catalog character_set_schema character_set_name collation_catalog collation_schema
  collation_name) int4(numeric_precision numeric_precision_radix numeric_scale datetime_precision) varchar(interval_type)
  int4(interval_precision) varchar(domain_default) name(udt_catalog udt_schema udt_name scope_catalog scope_schema scope_name)
  int4(maximum_cardinality) name(dtd_identifier)
13325 enabled_roles v: name(role_name)
13329 key_column_usage v: name(constraint_catalog constraint_schema constraint_name table_catalog table_schema table_name column_name)
  int4(ordinal_position position_in_unique_constraint)
13334 parameters v: name(specific_catalog specific_schema specific_name) int4(ordinal_position) varchar(parameter_mode is_result
  as_locator) name(parameter_name) varchar(data_type) int4(character_maximum_length character_octet_length) name(character_set_catalog
  character_set_schema character_set_name collation_catalog collation_schema collation_name) int4(numeric_precision
  numeric_precision_radix numeric_scale datetime_precision) varchar(interval_type) int4(interval_precision) name(udt_catalog udt_schema
  udt_name scope_catalog scope_schema scope_name) int4(maximum_cardinality) name(dtd_identifier) varchar(parameter_default)
13339 referential_constraints v: name(constraint_catalog constraint_schema constraint_name unique_constraint_catalog
  unique_constraint_schema unique_constraint_name) varchar(match_option update_rule delete_rule)
13344 role_column_grants v: name(grantor grantee table_catalog table_schema table_name column_name) varchar(privilege_type
  is_grantable)
13348 routine_column_usage v: name(specific_catalog specific_schema specific_name routine_catalog routine_schema routine_name
  table_catalog table_schema table_name column_name)
13353 routine_privileges v: name(grantor grantee specific_catalog specific_schema specific_name routine_catalog routine_schema
  routine_name) varchar(privilege_type is_grantable)
13358 role_routine_grants v: name(grantor grantee specific_catalog specific_schema specific_name routine_catalog routine_schema
  routine_name) varchar(privilege_type is_grantable)
13362 routine_routine_usage v: name(specific_catalog specific_schema specific_name routine_catalog routine_schema routine_name)
13367 routine_sequence_usage v: name(specific_catalog specific_schema specific_name routine_catalog routine_schema routine_name
  sequence_catalog sequence_schema sequence_name)
13372 routine_table_usage v: name(specific_catalog specific_schema specific_name routine_catalog routine_schema routine_name
  table_catalog table_schema table_name)
13377 routines v: name(specific_catalog specific_schema specific_name routine_catalog routine_schema routine_name)
  varchar(routine_type) name(module_catalog module_schema module_name udt_catalog udt_schema udt_name) varchar(data_type)
  int4(character_maximum_length character_octet_length) name(character_set_catalog character_set_schema character_set_name
  collation_catalog collation_schema collation_name) int4(numeric_precision numeric_precision_radix numeric_scale datetime_precision)
  varchar(interval_type) int4(interval_precision) name(type_udt_catalog type_udt_schema type_udt_name scope_catalog scope_schema
  scope_name) int4(maximum_cardinality) name(dtd_identifier) varchar(routine_body routine_definition external_name external_language
  parameter_style is_deterministic sql_data_access is_null_call sql_path schema_level_routine) int4(max_dynamic_result_sets)
  varchar(is_user_defined_cast is_implicitly_invocable security_type) name(to_sql_specific_catalog to_sql_specific_schema
  to_sql_specific_name) varchar(as_locator) timestamptz(created last_altered) varchar(new_savepoint_level is_udt_dependent
  result_cast_from_data_type result_cast_as_locator) int4(result_cast_char_max_length result_cast_char_octet_length)
  name(result_cast_char_set_catalog result_cast_char_set_schema result_cast_char_set_name result_cast_collation_catalog
  result_cast_collation_schema result_cast_collation_name) int4(result_cast_numeric_precision result_cast_numeric_precision_radix
  result_cast_numeric_scale result_cast_datetime_precision) varchar(result_cast_interval_type) int4(result_cast_interval_precision)
  name(result_cast_type_udt_catalog result_cast_type_udt_schema result_cast_type_udt_name result_cast_scope_catalog
  result_cast_scope_schema result_cast_scope_name) int4(result_cast_maximum_cardinality) name(result_cast_dtd_identifier)
13382 schemata v: name(catalog_name schema_name schema_owner default_character_set_catalog default_character_set_schema
  default_character_set_name) varchar(sql_path)
13386 sequences v: name(sequence_catalog sequence_schema sequence_name) varchar(data_type) int4(numeric_precision
  numeric_precision_radix numeric_scale) varchar(start_value minimum_value maximum_value increment cycle_option)
13391 sql_features r: varchar(feature_id feature_name sub_feature_id sub_feature_name is_supported is_verified_by comments)
13396 sql_implementation_info r: varchar(implementation_info_id implementation_info_name) int4(integer_value) varchar(character_value
  comments)
13401 sql_parts r: varchar(feature_id feature_name is_supported is_verified_by comments)
13406 sql_sizing r: int4(sizing_id) varchar(sizing_name) int4(supported_value) varchar(comments)
13411 table_constraints v: name(constraint_catalog constraint_schema constraint_name table_catalog table_schema table_name)
  varchar(constraint_type is_deferrable initially_deferred enforced nulls_distinct)
13416 table_privileges v: name(grantor grantee table_catalog table_schema table_name) varchar(privilege_type is_grantable
  with_hierarchy)
13421 role_table_grants v: name(grantor grantee table_catalog table_schema table_name) varchar(privilege_type is_grantable
  with_hierarchy)
13425 tables v: name(table_catalog table_schema table_name) varchar(table_type) name(self_referencing_column_name)
  varchar(reference_generation) name(user_defined_type_catalog user_defined_type_schema user_defined_type_name)
  varchar(is_insertable_into is_typed commit_action)
13430 transforms v: name(udt_catalog udt_schema udt_name specific_catalog specific_schema specific_name group_name)
  varchar(transform_type)
13435 triggered_update_columns v: name(trigger_catalog trigger_schema trigger_name event_object_catalog event_object_schema
  event_object_table event_object_column)
13440 triggers v: name(trigger_catalog trigger_schema trigger_name) varchar(event_manipulation) name(event_object_catalog
  event_object_schema event_object_table) int4(action_order) varchar(action_condition action_statement action_orientation
  action_timing) name(action_reference_old_table action_reference_new_table action_reference_old_row action_reference_new_row)
  timestamptz(created)
13445 udt_privileges v: name(grantor grantee udt_catalog udt_schema udt_name) varchar(privilege_type is_grantable)
13450 role_udt_grants v: name(grantor grantee udt_catalog udt_schema udt_name) varchar(privilege_type is_grantable)
13454 usage_privileges v: name(grantor grantee object_catalog object_schema object_name) varchar(object_type privilege_type
  is_grantable)
13459 role_usage_grants v: name(grantor grantee object_catalog object_schema object_name) varchar(object_type privilege_type
  is_grantable)
13463 user_defined_types v: name(user_defined_type_catalog user_defined_type_schema user_defined_type_name)
  varchar(user_defined_type_category is_instantiable is_final ordering_form ordering_category) name(ordering_routine_catalog
  ordering_routine_schema ordering_routine_name) varchar(reference_type data_type) int4(character_maximum_length
  character_octet_length) name(character_set_catalog character_set_schema character_set_name collation_catalog collation_schema
  collation_name) int4(numeric_precision numeric_precision_radix numeric_scale datetime_precision) varchar(interval_type)
  int4(interval_precision) name(source_dtd_identifier ref_dtd_identifier)
13468 view_column_usage v: name(view_catalog view_schema view_name table_catalog table_schema table_name column_name)
13473 view_routine_usage v: name(table_catalog table_schema table_name specific_catalog specific_schema specific_name)
13478 view_table_usage v: name(view_catalog view_schema view_name table_catalog table_schema table_name)
13483 views v: name(table_catalog table_schema table_name) varchar(view_definition check_option is_updatable is_insertable_into
  is_trigger_updatable is_trigger_deletable is_trigger_insertable_into)
13488 data_type_privileges v: name(object_catalog object_schema object_name) varchar(object_type) name(dtd_identifier)
13493 element_types v: name(object_catalog object_schema object_name) varchar(object_type) name(collection_type_identifier)
  varchar(data_type) int4(character_maximum_length character_octet_length) name(character_set_catalog character_set_schema
  character_set_name collation_catalog collation_schema collation_name) int4(numeric_precision numeric_precision_radix numeric_scale
  datetime_precision) varchar(interval_type) int4(interval_precision) varchar(domain_default) name(udt_catalog udt_schema udt_name
  scope_catalog scope_schema scope_name) int4(maximum_cardinality) name(dtd_identifier)
13503 column_options v: name(table_catalog table_schema table_name column_name option_name) varchar(option_value)
13511 foreign_data_wrapper_options v: name(foreign_data_wrapper_catalog foreign_data_wrapper_name option_name) varchar(option_value)
13515 foreign_data_wrappers v: name(foreign_data_wrapper_catalog foreign_data_wrapper_name authorization_identifier)
  varchar(library_name foreign_data_wrapper_language)
13524 foreign_server_options v: name(foreign_server_catalog foreign_server_name option_name) varchar(option_value)
13528 foreign_servers v: name(foreign_server_catalog foreign_server_name foreign_data_wrapper_catalog foreign_data_wrapper_name)
  varchar(foreign_server_type foreign_server_version) name(authorization_identifier)
13537 foreign_table_options v: name(foreign_table_catalog foreign_table_schema foreign_table_name option_name) varchar(option_value)
13541 foreign_tables v: name(foreign_table_catalog foreign_table_schema foreign_table_name foreign_server_catalog foreign_server_name)
13550 user_mapping_options v: name(authorization_identifier foreign_server_catalog foreign_server_name option_name)
  varchar(option_value)
13555 user_mappings v: name(authorization_identifier foreign_server_catalog foreign_server_name)
`;
