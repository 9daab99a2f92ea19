/**
 * The function behind each operator, under its own name (int4pl, texteq, jsonb_exists, …): PostgreSQL documents some,
 * ORMs and old scripts call others. They are made of the operators' entries, by the facts of pg_operator, so that an
 * operator and its function cannot differ. To be loaded after every list of operators.
 */
import { addFunction, allOperators, functionsNamed } from './define.js';
import { FUNCTION_OIDS } from './oid-table.js';
import { operatorFacts } from './operator-facts.js';

const names = new Map<number, string>();
for (const [signature, oid] of Object.entries(FUNCTION_OIDS))
  names.set(oid, signature.slice(0, signature.indexOf('(')));

for (const operator of allOperators()) {
  const oid = operatorFacts().get(operator.oid)?.code ?? 0;
  const name = names.get(oid);
  if (name === undefined) continue;
  const same = functionsNamed(name).some(
    ({ argOids }) =>
      argOids.length === operator.argOids.length && argOids.every((arg, i) => arg === operator.argOids[i]),
  );
  if (!same) addFunction({ ...operator, oid, name });
}
