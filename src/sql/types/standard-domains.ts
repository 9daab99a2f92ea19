/**
 * The domains that the SQL standard gives information_schema: in every database, made by nobody and dropped by nobody.
 * They are domains as users make them but for that no descriptor holds them.
 */
import { C_COLLATION_KEY } from './collation.js';
import { OID } from './oids.js';
import { arrayOidOf, registerType, typeByOid } from './registry.js';
import { type DomainType, internType } from './user-types.js';

const SHARED = { kind: 'domain', typmod: -1, collation: null, notNull: false, defaultSql: null, checks: [] } as const;
const IN_C = { ...SHARED, collation: C_COLLATION_KEY };
/** varchar(3) and timestamptz(2). */
const THREE_CHARACTERS = 7;
const HUNDREDTHS = 2;

const DOMAINS: readonly DomainType[] = [
  {
    ...SHARED,
    name: 'cardinal_number',
    oid: 13221,
    arrayOid: 13220,
    typeOid: OID.int4,
    checks: [check(13222, 'cardinal_number_domain_check', '(VALUE >= 0)')],
  },
  { ...IN_C, name: 'character_data', oid: 13224, arrayOid: 13223, typeOid: OID.varchar },
  { ...IN_C, name: 'sql_identifier', oid: 13226, arrayOid: 13225, typeOid: OID.name },
  {
    ...SHARED,
    name: 'time_stamp',
    oid: 13232,
    arrayOid: 13231,
    typeOid: OID.timestamptz,
    typmod: HUNDREDTHS,
    defaultSql: `CURRENT_TIMESTAMP(${HUNDREDTHS})`,
  },
  {
    ...IN_C,
    name: 'yes_or_no',
    oid: 13234,
    arrayOid: 13233,
    typeOid: OID.varchar,
    typmod: THREE_CHARACTERS,
    checks: [
      check(
        13235,
        'yes_or_no_check',
        "((VALUE)::text = ANY ((ARRAY['YES'::character varying, 'NO'::character varying])::text[]))",
      ),
    ],
  },
];

function check(oid: number, name: string, expressionSql: string): DomainType['checks'][number] {
  return { oid, name, expressionSql, validated: true };
}

const byName = new Map<string, number>();
const byOid = new Map<number, number>();
for (const domain of DOMAINS) {
  const handle = internType(domain);
  const array = arrayOidOf(handle);
  const sqlName = `information_schema.${domain.name}`;
  registerType({ ...typeByOid(handle), sqlName });
  registerType({ ...typeByOid(array), sqlName: `${sqlName}[]` });
  byName.set(domain.name, handle).set(`_${domain.name}`, array);
  byOid.set(domain.oid, handle).set(domain.arrayOid, array);
}

/** Its handle, or that of its array. */
export function standardDomain(name: string): number | null {
  return byName.get(name) ?? null;
}
export function standardDomainByOid(oid: number): number | null {
  return byOid.get(oid) ?? null;
}
export function standardDomains(): readonly { readonly type: DomainType; readonly handle: number }[] {
  return DOMAINS.map((type) => ({ type, handle: byOid.get(type.oid)! }));
}
