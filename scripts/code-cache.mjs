/**
 * Writes V8's compiled code of the bundle, as it is after a cluster has started and answered: functions that
 * nobody called by then are not in it. Run by bundle.mjs, with the loader told to compile anew.
 */
import { renameSync, writeFileSync } from 'node:fs';

process.env.QUORAL_MAKE_CODE_CACHE = 'yes';
const { cachePath: path, compiledCode, core } = await import('../dist/bundle/load.js');

const cluster = await core.startCluster({ nodes: 3 });
await cluster.sql('create table t (k int primary key, v text not null unique)');
await cluster.sql("insert into t select i, 'v' || i from generate_series(1, 20) i");
const client = await cluster.client();
await client.connect();
await client.query('begin');
await client.query('update t set v = $1 where k = $2', ['changed', 3]);
await client.query('select t.k, u.v from t join t u on u.k = t.k where t.k < 5 order by 1');
await client.query('commit');
await client.end();
const fork = await cluster.fork();
await fork.sql('select count(*) from t');
await fork.close();
const code = compiledCode();
await cluster.close();
if (code === null) throw new Error('the bundle was not loaded in a way that leaves compiled code');
writeFileSync(`${path}.new`, code);
renameSync(`${path}.new`, path);
