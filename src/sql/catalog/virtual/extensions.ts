/** pg_extension, pg_available_extensions and their versions, and what pg_depend says of members. */
import { EXTENSION_FUNCTIONS } from '../../functions/extensions.js';
import { allProcedures } from '../../functions/procedure-oids.js';
import { PG_CATALOG_SCHEMA_ID } from '../bootstrap.js';
import { SUPERUSER_OID } from '../bootstrap-names.js';
import type { ExtensionEntry } from '../descriptor.js';
import { extensionsOf, KNOWN_EXTENSIONS, knownExtension } from '../extensions.js';
import type { Values } from './layout.js';
import type { Model, Source } from './model.js';

const EXTENSIONS = 3079;
const NAMESPACES = 2615;
const ROUTINES = 1255;

export function extensionEntries({ databases, view }: Model): readonly ExtensionEntry[] {
  return extensionsOf(databases.find(({ id }) => id === view.databaseId));
}

export function extensions({ model }: Source): Values[] {
  return extensionEntries(model).map(({ oid, name, version, schemaId }) => ({
    oid,
    extname: name,
    extowner: SUPERUSER_OID,
    extnamespace: schemaId,
    extrelocatable: knownExtension(name)?.relocatable ?? false,
    extversion: version,
  }));
}

export function availableExtensions({ model }: Source): Values[] {
  const installed = new Map(extensionEntries(model).map((one) => [one.name, one.version]));
  return KNOWN_EXTENSIONS.map(({ name, version, comment }) => ({
    name,
    default_version: version,
    installed_version: installed.get(name) ?? null,
    comment,
  }));
}

export function availableVersions({ model }: Source): Values[] {
  const installed = new Map(extensionEntries(model).map((one) => [one.name, one.version]));
  return KNOWN_EXTENSIONS.map((one) => ({
    ...versionValues(one),
    installed: installed.get(one.name) === one.version,
  }));
}

export function versionValues({ name, version, comment, relocatable }: (typeof KNOWN_EXTENSIONS)[number]): Values {
  const schema = relocatable ? null : 'pg_catalog';
  return { name, version, superuser: true, trusted: true, relocatable, schema, comment };
}

/** An extension depends on its schema, and its functions on it. */
export function* extensionDependencies(model: Model): Iterable<Values> {
  for (const { oid, name, schemaId } of extensionEntries(model)) {
    if (schemaId !== PG_CATALOG_SCHEMA_ID)
      yield { classid: EXTENSIONS, objid: oid, refclassid: NAMESPACES, refobjid: schemaId, deptype: 'n' };
    const functions = EXTENSION_FUNCTIONS[name];
    if (functions === undefined) continue;
    for (const procedure of allProcedures()) {
      if (!functions.has(procedure.entry.name)) continue;
      yield { classid: ROUTINES, objid: procedure.oid, refclassid: EXTENSIONS, refobjid: oid, deptype: 'e' };
    }
  }
}
