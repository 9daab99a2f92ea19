/**
 * Calls of functions and operators that are not there. Of those that PostgreSQL has and Quoral leaves out, because the types that they are
 * about are (types/left-out.ts) or as pgcrypto's for public keys, whoever calls one is told so, rather than that nobody
 * knows the name.
 */
import { sqlError } from '../../base/errors.js';
import { formatType } from '../types/registry.js';

const SEARCH =
  'array_to_tsvector get_current_ts_config json_to_tsvector jsonb_to_tsvector numnode phraseto_tsquery plainto_tsquery ' +
  'querytree setweight strip to_tsquery to_tsvector ts_debug ts_delete ts_filter ts_headline ts_lexize ts_parse ts_rank ' +
  'ts_rank_cd ts_rewrite ts_stat ts_token_type tsquery_phrase tsvector_to_array tsvector_update_trigger ' +
  'tsvector_update_trigger_column websearch_to_tsquery';
const GEOMETRY =
  'area bound_box box center circle diagonal diameter height isclosed isopen line lseg npoints path pclose point polygon ' +
  'popen radius slope width';
const PUBLIC_KEYS = 'pgp_pub_encrypt pgp_pub_encrypt_bytea pgp_pub_decrypt pgp_pub_decrypt_bytea';

export const LEFT_OUT_FUNCTIONS: ReadonlySet<string> = new Set(`${SEARCH} ${GEOMETRY} ${PUBLIC_KEYS} money`.split(' '));

/** A call as errors name it. */
export function describeCall(name: string, args: readonly number[]): string {
  return `${name}(${args.map((oid) => formatType(oid)).join(', ')})`;
}

/** 0A000 for what is left out, else 42883. */
export function missingFunction(name: string, args: readonly number[]): Error {
  const call = describeCall(name, args);
  if (LEFT_OUT_FUNCTIONS.has(name)) return sqlError('0A000', `function ${call} is not supported`);
  return sqlError('42883', `function ${call} does not exist`, {
    hint: 'No function matches the given name and argument types. You might need to add explicit type casts.',
  });
}

/** `shown`: with the types of what is beside it. */
export function missingOperator(shown: string, isPrefix: boolean): Error {
  return sqlError('42883', `operator does not exist: ${shown}`, {
    hint: isPrefix
      ? 'No operator matches the given name and argument type. You might need to add an explicit type cast.'
      : 'No operator matches the given name and argument types. You might need to add explicit type casts.',
  });
}
