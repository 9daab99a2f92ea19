/** Rows of the catalogs about the types that users made. */
import { catalogOidOf, typeByOid } from '../../types/registry.js';
import { baseOidOf, isHandle, userTypeOf } from '../../types/user-types.js';
import type { DomainType, MultirangeType, RangeType, UserType } from '../../types/user-types.js';
import { shownSql } from '../../functions/shown-sql.js';
import { quoteIdentifier } from '../../types/identifiers.js';
import { pinsIn, showTypes } from '../../types/pinned-types.js';
import type { TypeDescriptor } from '../descriptor.js';
import { baseColumns, collationColumns, typeSchema } from './information-schema-columns.js';
import type { Values } from './layout.js';
import { defaultOperatorClass } from './operator-classes.js';
import { formColumns, functionColumns } from './types.js';
import { schemaName } from './views.js';
import type { Model, Source } from './model.js';
import { aclArray, collationOf } from './model.js';
import { typeFacts } from './type-facts.js';
import type { TypeFacts } from './type-facts.js';

/** Of an array, an enum and a composite type; oids of functions as pg_proc has them. */
export const ARRAY_FACTS = typeFacts(1007);
export const RECORD_FUNCTIONS = [2290, 2291, 2402, 2403, 0, 0, 0];
const ENUM_FUNCTIONS = [3506, 3507, 3532, 3533, 0, 0, 0];
const DOMAIN_INPUT = 2597;
const DOMAIN_RECEIVE = 2598;

export function* userTypeRows(model: Model): Iterable<Values> {
  for (const descriptor of model.types) {
    const type = userTypeOf(descriptor.typeOid)!;
    yield { ...typeRow(descriptor, type), ...shownDefault(model, type), typacl: aclArray(model, descriptor.acl) };
    yield arrayRow(descriptor, type);
  }
}

/** With the names that the functions and types in it have now, as the search path needs them. */
function shownDefault(model: Model, type: UserType): Values {
  if (type.kind !== 'domain' || type.defaultSql === null || pinsIn(type.defaultSql).length === 0) return {};
  const shown = showTypes(type.defaultSql, (oid) => {
    const group = model.routines.find(({ routines }) => routines.some((routine) => routine.oid === oid));
    const named = group ?? model.types.find(({ typeOid }) => userTypeOf(typeOid)?.oid === oid);
    if (named === undefined) return null;
    const schema = schemaName(model, named.schemaId);
    const found = model.view.searchPath.includes(schema);
    return `${found ? '' : `${quoteIdentifier(schema)}.`}${quoteIdentifier(named.name)}`;
  });
  return { typdefault: shown, typdefaultbin: shown };
}

function common(descriptor: TypeDescriptor): Values {
  return {
    typnamespace: descriptor.schemaId,
    typowner: descriptor.owner,
    typisdefined: true,
    typispreferred: false,
  };
}

function typeRow(descriptor: TypeDescriptor, type: UserType): Values {
  const info = typeByOid(descriptor.typeOid);
  const named: Values = {
    ...common(descriptor),
    oid: type.oid,
    typname: type.name,
    typarray: type.arrayOid,
    typcategory: info.category,
    typelem: 0,
    typsubscript: 0,
    typtypmod: -1,
  };
  switch (type.kind) {
    case 'enum':
      return {
        ...named,
        ...formColumns({ ...typeFacts(23), collation: 0 }),
        ...functionColumns(ENUM_FUNCTIONS),
        typtype: 'e',
      };
    case 'range':
    case 'multirange': {
      const facts = rangeFacts(type);
      return { ...named, ...formColumns(facts), ...functionColumns(facts.functions), typtype: type.kind[0]! };
    }
    case 'composite':
      return {
        ...named,
        ...formColumns(typeFacts(2249)),
        ...functionColumns(RECORD_FUNCTIONS),
        typtype: 'c',
        typrelid: compositeRelationOid(type),
      };
    case 'domain': {
      const base = baseOidOf(type.typeOid);
      const facts = baseFacts(base);
      const [, output, , send] = facts.functions as [number, number, number, number];
      return {
        ...named,
        ...formColumns(facts),
        ...functionColumns([DOMAIN_INPUT, output, DOMAIN_RECEIVE, send, 0, 0, 0]),
        typtype: 'd',
        typnotnull: type.notNull,
        typbasetype: type.typeOid,
        typtypmod: type.typmod,
        typcollation: collationOf(base, type.collation),
        typdefault: type.defaultSql,
        typdefaultbin: type.defaultSql,
        typndims: typeByOid(type.typeOid).category === 'A' ? 1 : 0,
      };
    }
  }
}

/** As of the built-in ones; aligned as their elements are. */
function rangeFacts(type: RangeType | MultirangeType): TypeFacts {
  const element = type.kind === 'range' ? type.typeOid : (userTypeOf(type.typeOid) as RangeType).typeOid;
  const align = typeFacts(element).align === 'd' ? 'd' : 'i';
  return { ...typeFacts(type.kind === 'range' ? 3904 : 4451), align };
}

export function* userRangeRows({ model }: Source): Iterable<Values> {
  for (const descriptor of model.types) {
    const type = userTypeOf(descriptor.typeOid);
    if (type?.kind !== 'range') continue;
    yield {
      rngtypid: type.oid,
      rngsubtype: type.typeOid,
      rngmultitypid: type.multirange.oid,
      rngcollation: collationOf(type.typeOid, type.collation),
      rngsubopc: defaultOperatorClass(type.typeOid),
      rngcanonical: 0,
      rngsubdiff: 0,
    };
  }
}

/** Of what a domain is over in the end. */
function baseFacts(oid: number): TypeFacts {
  const type = userTypeOf(oid);
  if (type?.kind === 'range' || type?.kind === 'multirange') return rangeFacts(type);
  return typeFacts(type?.kind === 'composite' ? 2249 : oid);
}

/** A domain over what is aligned by eight bytes. */
function isWide(type: UserType): boolean {
  return type.kind === 'domain' && baseFacts(baseOidOf(type.typeOid)).align === 'd';
}

function arrayRow(descriptor: TypeDescriptor, type: UserType): Values {
  return {
    ...common(descriptor),
    ...formColumns(ARRAY_FACTS),
    ...functionColumns(ARRAY_FACTS.functions),
    ...(type.kind === 'range' || type.kind === 'multirange' ? { typalign: rangeFacts(type).align } : {}),
    ...(type.kind === 'composite' || isWide(type) ? { typalign: 'd' } : {}),
    oid: type.arrayOid,
    typname: `_${type.name}`,
    typtype: 'b',
    typcategory: 'A',
    typelem: type.oid,
    typarray: 0,
    typsubscript: ARRAY_FACTS.subscript,
    typtypmod: -1,
  };
}

/** A composite type is listed in pg_class under its own oid. */
export function compositeRelationOid(type: UserType): number {
  return type.oid;
}

export function* enumRows({ model }: Source): Iterable<Values> {
  for (const descriptor of model.types) {
    const type = userTypeOf(descriptor.typeOid);
    if (type?.kind !== 'enum') continue;
    for (const { id, order, label } of type.labels) {
      yield { oid: id, enumtypid: catalogOidOf(descriptor.typeOid), enumsortorder: order, enumlabel: label };
    }
  }
}

export function* domainConstraints(model: Model): Iterable<Values> {
  for (const descriptor of model.types) {
    const type = userTypeOf(descriptor.typeOid);
    if (type?.kind !== 'domain') continue;
    for (const check of type.checks) {
      yield {
        oid: check.oid,
        conname: check.name,
        connamespace: descriptor.schemaId,
        contype: 'c',
        convalidated: check.validated,
        contypid: type.oid,
        conislocal: true,
        confupdtype: ' ',
        confdeltype: ' ',
        confmatchtype: ' ',
        conbin: check.expressionSql,
      };
    }
  }
}

// ---- information_schema ----

function* domainsOf({ model }: Source): Iterable<{ readonly type: DomainType; readonly schema: string }> {
  for (const descriptor of model.types) {
    const type = userTypeOf(descriptor.typeOid);
    if (type?.kind === 'domain') yield { type, schema: schemaName(model, descriptor.schemaId) };
  }
}

function domainKey(source: Source, schema: string, type: DomainType): Values {
  return { domain_catalog: source.ctx.services.database, domain_schema: schema, domain_name: type.name };
}

export function* domainRows(source: Source): Iterable<Values> {
  const { database } = source.ctx.services;
  for (const { type, schema } of domainsOf(source)) {
    yield {
      ...baseColumns(database, type, typeSchema(source)),
      ...collationColumns(source.model, database, type.collation),
      ...domainKey(source, schema, type),
      domain_default: type.defaultSql === null ? null : shownSql(type.defaultSql, source.ctx),
      dtd_identifier: '1',
    };
  }
}

export function* domainCheckRows(source: Source): Iterable<Values> {
  for (const { type, schema } of domainsOf(source)) {
    for (const check of type.checks) {
      yield {
        constraint_catalog: source.ctx.services.database,
        constraint_schema: schema,
        constraint_name: check.name,
        check_clause: checkClause(shownSql(check.expressionSql, source.ctx)),
      };
    }
  }
}

/** In two pairs of parentheses, as PostgreSQL has it. */
export function checkClause(text: string): string {
  return text.startsWith('(') && text.endsWith(')') ? `(${text})` : `((${text}))`;
}

export function* domainConstraintRows(source: Source): Iterable<Values> {
  for (const { type, schema } of domainsOf(source)) {
    for (const check of type.checks) {
      yield {
        constraint_catalog: source.ctx.services.database,
        constraint_schema: schema,
        constraint_name: check.name,
        ...domainKey(source, schema, type),
        is_deferrable: 'NO',
        initially_deferred: 'NO',
      };
    }
  }
}

/** How values of a type lie in PostgreSQL's rows; of a user's type by what it is. */
export function factsOf(typeOid: number): TypeFacts {
  const type = userTypeOf(baseOidOf(typeOid));
  if (type === null)
    return isHandle(typeOid) && userTypeOf(typeOid) === null ? ARRAY_FACTS : typeFacts(baseOidOf(typeOid));
  if (type.kind === 'range' || type.kind === 'multirange') return rangeFacts(type);
  return type.kind === 'enum' ? { ...typeFacts(23), collation: 0 } : typeFacts(2249);
}
