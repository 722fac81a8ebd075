import { type Postgres, startPostgres } from '@posthorn/testkit'
import fc from 'fast-check'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { packColumn } from '../../src/store/postgres/array.ts'
import type { Value } from '../../src/store/transaction.ts'

let server: Postgres
let client: pg.Client
beforeAll(async () => {
  server = await startPostgres()
  client = new pg.Client({ connectionString: await server.createDatabase('arrays') })
  await client.connect()
})
afterAll(async () => {
  await client.end()
  await server.stop()
})

async function through(columns: readonly ('text' | 'int' | 'bytes')[], rows: readonly Value[][]): Promise<Value[][]> {
  const { rows: answered } = await client.query({
    text: 'select * from unnest($1::text[], $2::bigint[], $3::bytea[])',
    values: columns.map((type, column) => packColumn(type, rows, column)),
    rowMode: 'array',
  })
  return answered.map(([text, int, bytes]) => [text, int === null ? null : Number(int), bytes])
}

describe('packing columns', () => {
  it('the database receives every value unchanged, including nulls', async () => {
    const orNull = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { freq: 5 })
    // The API refuses NUL characters, because PostgreSQL can't store them in a text.
    const anyText = orNull(fc.string({ unit: 'grapheme', maxLength: 20 }).map(text => text.replaceAll('\0', '')))
    const anyInt = orNull(fc.maxSafeInteger())
    const anyBytes = orNull(fc.uint8Array({ maxLength: 40 }).map(bytes => Buffer.from(bytes)))
    const anyRows = fc.array(fc.tuple(anyText, anyInt, anyBytes), { maxLength: 30 })
    await fc.assert(
      fc.asyncProperty(anyRows, async rows => {
        expect(await through(['text', 'int', 'bytes'], rows)).toEqual(rows)
      }),
      {
        numRuns: 200,
        examples: [
          [[]],
          [[[null, null, null]]],
          [[['{"a",\\ NULL}', Number.MIN_SAFE_INTEGER, Buffer.alloc(0)]]],
          [
            [
              ['', Number.MAX_SAFE_INTEGER, Buffer.from([0])],
              ['NULL', -1, null],
              ['😀\u2028', -(2 ** 32), Buffer.from('\\x')],
            ],
          ],
        ],
      },
    )
  })

  it('accepts bytes that are a part of a larger buffer', async () => {
    const part = Uint8Array.from([1, 2, 3, 4]).subarray(1, 3)
    expect(await through(['text', 'int', 'bytes'], [['a', 0, part]])).toEqual([['a', 0, Buffer.from([2, 3])]])
  })

  it.each([0.5, 2 ** 53, Number.NaN])('refuses %s, which cannot be stored exactly', value => {
    expect(() => packColumn('int', [[value]], 0)).toThrow(RangeError)
  })

  it('a value of a different type than its column is a database error', async () => {
    await expect(through(['text', 'int', 'text'], [['a', 1, 'b']])).rejects.toThrow(/array element type|element type/)
  })
})
