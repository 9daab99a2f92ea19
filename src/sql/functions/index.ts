/**
 * Loads every list of functions and offers the resolver. Import from here, so that all of them are there.
 */
import './operators-compare.js';
import './operators-arithmetic.js';
import './math.js';
import './strings.js';
import './format-text.js';
import './bytea.js';
import './patterns.js';
import './datetime.js';
import './datetime-make.js';
import './overlaps.js';
import './extensions.js';
import './password-hashes.js';
import './raw-encryption.js';
import './pgp-armor.js';
import './pgp-messages.js';
import './routine-facts.js';
import './formatting.js';
import './json.js';
import './json-build.js';
import './json-record.js';
import './json-path.js';
import './json-layout.js';
import './arrays.js';
import './aggregate-steps.js';
import './enums.js';
import './bit-strings.js';
import './keywords.js';
import './network.js';
import './ranges.js';
import './pg-lsn.js';
import './snapshots.js';
import './record-images.js';
import './identifiers.js';
import './unicode.js';
import './encodings.js';
import './timetz.js';
import './width-bucket.js';
import './series.js';
import './system.js';
import './privileges.js';
import './statistics-text.js';
import './dump.js';
import './index-properties.js';
import './relation-facts.js';
import './updatable.js';
import './notifications.js';
import './advisory.js';
import './backends.js';
import './describe-object.js';
import './object-address.js';
import './aggregates.js';
import './moment-steps.js';
import './ordered-set.js';
import './hypothetical.js';
import './usage.js';
import './relation-functions.js';
import './hash-functions.js';
import './send-functions.js';
import './operator-functions.js';
import './other-names.js';
import { registerProcedureNames } from '../types/reg-procedures.js';
import { registerOperatorNames } from '../types/reg-operators.js';
import { builtInOperators } from './operator-names.js';
import { builtInNames } from './procedure-names.js';

registerProcedureNames(builtInNames());
registerOperatorNames(builtInOperators());

export {
  allAggregates,
  allFunctions,
  allOperators,
  aggregatesNamed,
  functionsNamed,
  operatorsNamed,
} from './define.js';
export { findFunction, isAggregateName, resolveAggregate, resolveFunction, resolveOperator } from './resolve.js';
