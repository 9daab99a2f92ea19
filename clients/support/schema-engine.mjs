#!/usr/bin/env node
/**
 * Prisma's schema engine for its command line, without the download: the same engine as WebAssembly, from npm, over
 * @prisma/adapter-pg. PRISMA_SCHEMA_ENGINE_BINARY points here. The command line talks JSON-RPC to it, a line per
 * message; `cli can-connect-to-database` and its like come as arguments.
 */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { PrismaPg } from '@prisma/adapter-pg';
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils';
import * as glue from '@prisma/schema-engine-wasm/schema_engine_bg';
import pg from 'pg';
import Result from 'pg/lib/result.js';

// The adapter is made for clients, which never read "char" (oid 18); the catalogs are full of it.
const addFields = Result.prototype.addFields;
Result.prototype.addFields = function (fields) {
  addFields.call(this, fields);
  this.fields = fields.map((field) => (field.dataTypeID === 18 ? { ...field, dataTypeID: 1042 } : field));
};

const argumentsGiven = process.argv.slice(2);

function valuesOf(flag) {
  const values = [];
  for (let i = 0; i < argumentsGiven.length; i++) {
    if (argumentsGiven[i] !== flag) continue;
    while (i + 1 < argumentsGiven.length && !/^(--|cli$)/.test(argumentsGiven[i + 1])) values.push(argumentsGiven[++i]);
  }
  return values;
}

const [datasource = '{}'] = valuesOf('--datasource');
const { url, shadowDatabaseUrl } = JSON.parse(datasource);

function fail(code, message, meta = {}) {
  process.stderr.write(`${JSON.stringify({ is_panic: false, message, meta, error_code: code })}\n`);
  process.exit(1);
}

/** What the binary does before it is asked for a schema: databases. */
async function commandLine(command) {
  const target = new URL(url);
  const database = target.pathname.slice(1);
  if (command !== 'can-connect-to-database') target.pathname = '/postgres';
  const client = new pg.Client({ connectionString: target.href });
  try {
    await client.connect();
    if (command === 'create-database') await client.query(`CREATE DATABASE "${database}"`);
    if (command === 'drop-database') await client.query(`DROP DATABASE "${database}"`);
  } catch (error) {
    if (error.code === '3D000') fail('P1003', error.message, { database_name: database });
    fail('P1001', error.message);
  } finally {
    await client.end();
  }
  process.exit(0);
}

async function loadEngine() {
  const file = new URL('schema_engine_bg.wasm', import.meta.resolve('@prisma/schema-engine-wasm/schema_engine_bg'));
  const { instance } = await WebAssembly.instantiate(readFileSync(file), { './schema_engine_bg.js': glue });
  glue.__wbg_set_wasm(instance.exports);
  instance.exports.__wbindgen_start();
  const factory = new PrismaPg(url);
  if (shadowDatabaseUrl) {
    factory.connectToShadowDb = () => new PrismaPg(shadowDatabaseUrl).connect();
  }
  const datamodels = valuesOf('--datamodels').map((path) => [path, readFileSync(path, 'utf8')]);
  return glue.SchemaEngine.new(
    datamodels.length > 0 ? { datamodels } : {},
    () => undefined,
    bindMigrationAwareSqlAdapterFactory(factory),
  );
}

async function serve() {
  const engine = await loadEngine();
  const answer = (id, body) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, ...body })}\n`);
  for await (const line of createInterface({ input: process.stdin })) {
    if (line.trim() === '') continue;
    const { id, method, params } = JSON.parse(line);
    const name = method === 'getDatabaseVersion' ? 'version' : method;
    try {
      const result = await engine[name](params);
      if (method === 'diff' && typeof result.stdout === 'string') {
        const print = { jsonrpc: '2.0', id: -1, method: 'print', params: { content: result.stdout } };
        process.stdout.write(`${JSON.stringify(print)}\n`);
      }
      answer(id, { result: result ?? {} });
    } catch (error) {
      // The engine's own errors are what the command line shows; others would be its crash.
      const data = { is_panic: false, message: error.message, error_code: error.code ?? '', meta: error.meta ?? {} };
      answer(id, { error: { code: 4466, message: 'An error happened. Check the data field for details.', data } });
    }
  }
  process.exit(0);
}

const command = argumentsGiven.indexOf('cli');
if (command === -1) await serve();
else await commandLine(argumentsGiven[command + 1]);
