import pg from 'pg'
import { expect, test } from 'vitest'
import { startPostgres } from '../src/index.ts'

test('a real PostgreSQL responds, has its own databases and is durable by default', async () => {
  const postgres = await startPostgres()
  const client = new pg.Client({ connectionString: await postgres.createDatabase('one "two"') })
  await client.connect()
  expect((await client.query('select current_database() as name')).rows).toEqual([{ name: 'one "two"' }])
  expect((await client.query('show fsync')).rows).toEqual([{ fsync: 'on' }])
  await client.end()
  await postgres.stop()
  await expect(new pg.Client({ connectionString: postgres.url() }).connect()).rejects.toThrow('ECONNREFUSED')
})

test('a killed PostgreSQL comes back with everything it had committed, and can still be stopped', async () => {
  const postgres = await startPostgres()
  const url = await postgres.createDatabase('kept')
  const connect = async () => {
    const client = new pg.Client({ connectionString: url })
    client.on('error', () => {})
    await client.connect()
    return client
  }
  const before = await connect()
  await before.query('create table t as select 7 as n')
  await postgres.kill()
  await expect.poll(() => before.query('select 1').catch(() => 'gone'), { timeout: 10_000 }).toBe('gone')
  await postgres.restart()
  const after = await connect()
  expect((await after.query('select n from t')).rows).toEqual([{ n: 7 }])
  await after.end()
  await postgres.stop()
  await expect(connect()).rejects.toThrow('ECONNREFUSED')
})
