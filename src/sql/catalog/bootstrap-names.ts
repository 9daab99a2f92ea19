/** Who is there before anybody was made. */
export const SUPERUSER = 'postgres';
export const SUPERUSER_OID = 10;
/** The role that PostgreSQL's schema public belongs to, and so ours: pg_dump writes nothing about it then. */
export const DATABASE_OWNER = { oid: 6171, name: 'pg_database_owner' } as const;
