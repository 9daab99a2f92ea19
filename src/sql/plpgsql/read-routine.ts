/** A function's body with its parameters as variables. */
import type { Routine } from '../catalog/descriptor.js';
import { takesArgument } from '../plan/routines.js';
import { OID } from '../types/oids.js';
import { parseBody, type ParsedBody } from './parse-body.js';
import type { Parsing, ReturnShape } from './parsing.js';
import type { Variable } from './tree.js';

export function returnShape(routine: Pick<Routine, 'procedure' | 'typeOid' | 'set' | 'parameters'>): ReturnShape {
  const outParameters = routine.parameters.some((p) => p.mode === 'out' || p.mode === 'inout' || p.mode === 'table');
  if (routine.procedure) return { kind: 'procedure', outParameters };
  if (routine.set) return { kind: 'set', outParameters };
  if (routine.typeOid === OID.trigger) return { kind: 'trigger', outParameters: false };
  return { kind: routine.typeOid === OID.void ? 'void' : 'value', outParameters };
}

/** What a trigger function sees of its trigger. */
const TRIGGER_VARIABLES: readonly (readonly [string, number])[] = [
  ['new', OID.record],
  ['old', OID.record],
  ['tg_name', OID.name],
  ['tg_when', OID.text],
  ['tg_level', OID.text],
  ['tg_op', OID.text],
  ['tg_relid', OID.oid],
  ['tg_relname', OID.name],
  ['tg_table_name', OID.name],
  ['tg_table_schema', OID.name],
  ['tg_nargs', OID.int4],
  ['tg_argv', OID.textArray],
];

/** @throws QuoralError 42601 and others: what is wrong with the body; positions are within it */
export function readBody(
  name: string,
  routine: Omit<Routine, 'oid'>,
  argOids: readonly number[] | null = null,
  shadowed?: Parsing['shadowed'],
): { readonly body: ParsedBody; readonly parameters: readonly Variable[] } {
  const parameters: Variable[] = [];
  const body = parseBody({
    text: routine.body,
    functionName: name,
    returns: returnShape(routine),
    ...(shadowed === undefined ? {} : { shadowed }),
    parameters: (make) => {
      const names = new Map<string, Variable>();
      if (routine.typeOid === OID.trigger)
        for (const [name, oid] of TRIGGER_VARIABLES) names.set(name, make(name, oid));
      let input = 0;
      let position = 0;
      for (const p of routine.parameters) {
        const takes = takesArgument(routine, p);
        const oid = (takes ? argOids?.[input] : undefined) ?? p.typeOid;
        if (takes) input++;
        position++;
        const variable = make(p.name === '' ? `$${position}` : p.name, oid);
        parameters.push(variable);
        names.set(`$${position}`, variable);
        if (p.name !== '') names.set(p.name, variable);
      }
      return names;
    },
  });
  return { body, parameters };
}
