/** The two servers: an empty database on each, as PostgreSQL's own driver of these scripts makes it. */
import { Client } from '../bench/client.js';

const DATABASE = 'regression';
/** What roles and tablespaces of these scripts are called; left by a run that ended early, they would be in the way. */
const ROLES = "rolname LIKE 'regress\\_%'";
const TABLESPACES = "spcname LIKE 'regress\\_%'";
const SETTINGS = {
  lc_messages: "'C'",
  lc_monetary: "'C'",
  lc_numeric: "'C'",
  lc_time: "'C'",
  bytea_output: "'hex'",
  timezone_abbreviations: "'Default'",
};

/** Returns the new database's URL. Drops the database "regression" and all roles and tablespaces "regress_…". */
export async function freshDatabase(url: string): Promise<string> {
  const there = new URL(url);
  there.pathname = `/${DATABASE}`;
  const client = await Client.connect(url);
  try {
    const { rows } = await client.query(`SELECT 1 FROM pg_database WHERE datname = '${DATABASE}'`);
    if (rows.length > 0) await dropSubscriptions(there.href);
    await client.query(`DROP DATABASE IF EXISTS ${DATABASE}`);
    for (const [what, query] of [
      ['ROLE', `SELECT quote_ident(rolname) FROM pg_roles WHERE ${ROLES}`],
      ['TABLESPACE', `SELECT quote_ident(spcname) FROM pg_tablespace WHERE ${TABLESPACES}`],
    ])
      for (const [name] of (await client.query(query!)).rows) await client.query(`DROP ${what} ${name}`);
    await client.query(`CREATE DATABASE ${DATABASE} TEMPLATE template0`);
    for (const [name, value] of Object.entries(SETTINGS))
      await client.query(`ALTER DATABASE ${DATABASE} SET ${name} TO ${value}`);
  } finally {
    client.close();
  }
  return there.href;
}

/** Of a run in which their DROP failed: no database with one can be dropped. They have no slots. */
async function dropSubscriptions(url: string): Promise<void> {
  const client = await Client.connect(url);
  try {
    for (const [name] of (await client.query('SELECT quote_ident(subname) FROM pg_subscription')).rows)
      for (const change of ['DISABLE', 'SET (slot_name = NONE)'])
        await client.query(`ALTER SUBSCRIPTION ${name} ${change}`);
    for (const [name] of (await client.query('SELECT quote_ident(subname) FROM pg_subscription')).rows)
      await client.query(`DROP SUBSCRIPTION ${name}`);
  } finally {
    client.close();
  }
}
