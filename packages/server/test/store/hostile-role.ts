/** A role whose sessions begin with settings that no client expects, as an administrator can give to any role. */
import { ask, type Postgres } from '@posthorn/testkit'
import pg from 'pg'

/** Settings that our own have to replace, or that must change nothing. */
const SETTINGS: Readonly<Record<string, string>> = {
  search_path: 'public',
  standard_conforming_strings: 'off',
  escape_string_warning: 'off',
  quote_all_identifiers: 'on',
  transform_null_equals: 'on',
  array_nulls: 'off',
  client_encoding: 'LATIN1',
  DateStyle: 'SQL, DMY',
  IntervalStyle: 'sql_standard',
  TimeZone: 'Pacific/Chatham',
  bytea_output: 'escape',
  extra_float_digits: '-15',
  xmloption: 'document',
  xmlbinary: 'hex',
  row_security: 'off',
  default_transaction_isolation: 'serializable',
  default_transaction_read_only: 'on',
  default_transaction_deferrable: 'on',
  lock_timeout: '1',
  statement_timeout: '400',
  idle_in_transaction_session_timeout: '1',
  idle_session_timeout: '100',
  enable_partition_pruning: 'off',
  check_function_bodies: 'off',
  gin_fuzzy_search_limit: '1',
  'plpgsql.variable_conflict': 'error',
  'plpgsql.extra_errors': 'all',
}
/** From PostgreSQL 17 on. */
const NEWER = { transaction_timeout: '400' }

const PASSWORD = 'secret'

/** The URL for connecting as another role of the same server. */
export const urlAs = (url: string, role: string): string => url.replace(/\/\/[^@]+@/, `//${role}:${PASSWORD}@`)

/** @returns the role's settings, as `pg_settings` must show them in its sessions */
export async function createHostileRole(
  server: Pick<Postgres, 'url'>,
  role: string,
): Promise<Readonly<Record<string, string>>> {
  const client = new pg.Client({ connectionString: server.url() })
  await client.connect()
  const { rows } = await client.query(`select current_setting('server_version_num')::int >= 170000 as is_newer`)
  const settings = { ...SETTINGS, ...(rows[0].is_newer ? NEWER : {}) }
  await client.query(`create role ${role} login password '${PASSWORD}'`)
  for (const [name, value] of Object.entries(settings)) {
    await client.query(`alter role ${role} set ${name} = ${pg.escapeLiteral(value)}`)
  }
  await client.end()
  return settings
}

/** Lets the role create its schema in a database. */
export const allowSchema = (url: string, role: string): Promise<unknown> =>
  ask(url, `do $$ begin execute format('grant create on database %I to ${role}', current_database()); end $$`)
