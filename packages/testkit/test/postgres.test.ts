import pg from 'pg'
import { expect, test } from 'vitest'
import { startPostgres } from '../src/index.ts'

test('a real PostgreSQL answers, in a database of its own, durable by default', async () => {
  const postgres = await startPostgres()
  const client = new pg.Client({ connectionString: await postgres.createDatabase('one "two"') })
  await client.connect()
  expect((await client.query('select current_database() as name')).rows).toEqual([{ name: 'one "two"' }])
  expect((await client.query('show fsync')).rows).toEqual([{ fsync: 'on' }])
  await client.end()
  await postgres.stop()
  await expect(new pg.Client({ connectionString: postgres.url() }).connect()).rejects.toThrow('ECONNREFUSED')
})
