/** Objects of schemas that are no relations: functions, types, constraints, collations, operators. */
import type { ExecContext } from '../contract.js';
import { builtInCollationOf } from '../types/collation.js';
import { OID } from '../types/oids.js';
import { typeByOid } from '../types/registry.js';
import { relationIdentity } from './identify-relations.js';
import { fullTypeName, type Identify, named, partsOfType, qualify, shortTypeName } from './object-identity.js';
import { isAggregate, procedureByOid } from './procedure-oids.js';

interface FoundRoutine {
  readonly type: string;
  readonly schema: string;
  readonly name: string;
  readonly argOids: readonly number[];
}

function routineOf(oid: number, { services }: ExecContext): FoundRoutine | null {
  const builtIn = procedureByOid(oid);
  if (builtIn !== null) {
    const { entry } = builtIn;
    return {
      type: isAggregate(entry) ? 'aggregate' : 'function',
      schema: 'pg_catalog',
      name: entry.name,
      argOids: entry.argOids,
    };
  }
  const found = services.routineByOid?.(oid) ?? null;
  if (found === null) return null;
  const { group, routine } = found;
  const inputs = routine.parameters.filter(({ mode }) => mode !== 'out' && mode !== 'table');
  return {
    type: routine.aggregate !== undefined ? 'aggregate' : routine.procedure ? 'procedure' : 'function',
    schema: services.schemaNameOf(group.schemaId) ?? 'public',
    name: group.name,
    argOids: inputs.map(({ typeOid }) => typeOid),
  };
}

export const identifyRoutine: Identify = (oid, _sub, ctx) => {
  const found = routineOf(oid, ctx);
  if (found === null) return null;
  const args = found.argOids.map((type) => fullTypeName(type, ctx));
  return {
    type: found.type,
    schema: found.schema,
    name: null,
    identity: `${qualify(found.schema, found.name)}(${args.join(',')})`,
    names: [found.schema, found.name],
    args,
    words: `function ${typeByOid(OID.regprocedure).output(oid, ctx.format)}`,
  };
};

export const identifyType: Identify = (oid, _sub, ctx) => {
  const parts = partsOfType(oid, ctx);
  if (parts === null) return null;
  const identity = fullTypeName(oid, ctx);
  return {
    type: 'type',
    schema: parts[0],
    name: parts[1],
    identity,
    names: [identity],
    args: [],
    words: `type ${shortTypeName(oid, ctx)}`,
  };
};

export const identifyConstraint: Identify = (oid, _sub, ctx) => {
  const { services } = ctx;
  const table = services.tableOfConstraint(oid);
  if (table !== null) {
    const relation = relationIdentity(table.id, ctx)!;
    const all = [
      ...table.indexes.map((one) => ({ oid: one.constraintOid, name: one.name })),
      ...table.checks,
      ...(table.foreignKeys ?? []),
    ];
    const name = all.find((one) => one.oid === oid)?.name;
    if (name === undefined) return null;
    return {
      type: 'table constraint',
      schema: relation.schema,
      name: null,
      identity: `${qualify(null, name)} on ${relation.identity}`,
      names: [...relation.names, name],
      args: [],
      words: `constraint ${name} on ${relation.words}`,
    };
  }
  return domainConstraint(oid, ctx);
};

const domainConstraint = (oid: number, ctx: ExecContext): ReturnType<Identify> => {
  const check = ctx.services.domainCheck(oid);
  const parts = check === null ? null : partsOfType(check.domainOid, ctx);
  if (check === null || parts === null) return null;
  const domain = qualify(...parts);
  return {
    type: 'domain constraint',
    schema: parts[0],
    name: null,
    identity: `${qualify(null, check.name)} on ${domain}`,
    names: [domain],
    args: [check.name],
    words: `constraint ${check.name}`,
  };
};

export const identifyCollation: Identify = (oid, _sub, { services }) => {
  const builtIn = builtInCollationOf(oid);
  if (builtIn !== null) return named('collation', 'pg_catalog', builtIn, qualify(null, builtIn));
  const descriptor = services.access?.descriptor(oid) ?? null;
  const schema = descriptor?.kind === 'collation' ? services.schemaNameOf(descriptor.schemaId) : null;
  if (descriptor?.kind !== 'collation' || schema === null) return null;
  return named('collation', schema, descriptor.name, services.collationName?.(oid) ?? descriptor.name);
};

export const identifyOperator: Identify = (oid, _sub, ctx) => {
  const shown = typeByOid(OID.regoperator).output(oid, ctx.format);
  const row = /^(.*)\(/.exec(shown);
  if (oid === 0 || row === null) return null;
  const types = shown.slice(row[0].length, -1).split(',');
  const inFull = types.map((type) => (type === 'NONE' ? type : fullTypeName(typeNamed(type, ctx), ctx)));
  const name = row[1]!;
  return {
    type: 'operator',
    schema: 'pg_catalog',
    name: null,
    identity: `pg_catalog.${name}(${inFull.join(',')})`,
    names: ['pg_catalog', name],
    args: inFull.filter((type) => type !== 'NONE'),
    words: `operator ${shown}`,
  };
};

function typeNamed(text: string, ctx: ExecContext): number {
  return typeByOid(OID.regtype).input(text, -1, ctx.format) as number;
}
