import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type Postgres, startPostgres, startReceiver } from '@posthorn/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { newId } from '../../src/base/ids.ts'
import { MOVED_TABLES, UNMOVED_TABLES } from '../../src/store/move.ts'
import { openPostgres } from '../../src/store/postgres/driver.ts'
import { openSqlite } from '../../src/store/sqlite/driver.ts'
import { Store } from '../../src/store/store.ts'
import { inPlace, type Place, refused, running, serve, start } from '../e2e/process.ts'
import { anEndpoint, aTenant } from '../store/builders.ts'
import { eventOf, fill, script } from './installation.ts'
import { rowsOfDatabase, rowsOfFolder, tablesOf, withClient } from './tables.ts'

let server: Postgres
let count = 0
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server.stop())

const newDatabase = () => server.createDatabase(`move_${++count}`)

const move = (place: Place, url: string, env: Record<string, string> = {}) =>
  start(place, ['move', '--from', place.data], { POSTHORN_DATABASE_URL: url, ...env })

/** Compares the rows of every table, and those of `meta` that are not specific to one store. */
async function expectSame(place: Place, url: string): Promise<void> {
  const here = rowsOfFolder(place.data)
  const there = await rowsOfDatabase(url, tablesOf(place.data))
  for (const [table, rows] of here) expect(there.get(table), table).toEqual(rows)
}

const digestOf = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex')

const keyIn = ({ data }: Place) => readFileSync(join(data, 'encryption.key'), 'utf8').trim()

describe('posthorn move', () => {
  it(
    'C13: moves all rows unchanged; pending deliveries are sent from there, and event ids stay known',
    { timeout: 90_000 },
    () =>
      inPlace(async place => {
        const receiver = await startReceiver({ authority: place.authority, names: ['localhost'], script })
        await fill(place, receiver)
        const url = await newDatabase()
        const before = digestOf(join(place.data, 'posthorn.db'))
        const { code, stdout, stderr } = await move(place, url).ended
        expect([code, stderr]).toEqual([0, expect.stringContaining(join(place.data, 'encryption.key'))])
        expect(stderr).toContain('POSTHORN_API_KEY')
        expect(stderr).not.toContain(keyIn(place))
        for (const table of MOVED_TABLES) {
          expect(`${stdout}${stderr}`.match(new RegExp(`^${table}: (?!.*so far)`, 'gm')), table).toHaveLength(1)
        }
        expect(digestOf(join(place.data, 'posthorn.db'))).toBe(before)
        const rows = rowsOfFolder(place.data)
        for (const [table, found] of rows) if (table !== 'inbox') expect(found.length, table).toBeGreaterThan(0)
        expect([...new Set(rows.get('live_delivery')!.map(row => /"state","(\w+)"/.exec(row)![1]))].sort()).toEqual([
          'held',
          'pending',
        ])
        expect([...new Set(rows.get('delivery')!.map(row => /"state","(\w+)"/.exec(row)![1]))].sort()).toEqual([
          'cancelled',
          'delivered',
          'exhausted',
        ])
        await expectSame(place, url)

        const again = await move(place, url).ended
        expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('is not empty')])
        await receiver.close()
        await serveThere(place, url, receiver.port)
      }),
  )

  /** Serves from the database, with a receiver that now responds to every request. */
  async function serveThere(place: Place, url: string, port: number): Promise<void> {
    const receiver = await startReceiver({ authority: place.authority, names: ['localhost'], port })
    const env = { POSTHORN_DATABASE_URL: url, POSTHORN_ENCRYPTION_KEY: keyIn(place) }
    const node = running(await serve(place, { env }))
    await receiver.waitFor(({ requests }) => requests.filter(({ path }) => path === '/hang').length >= 24, {
      timeoutMs: 20_000,
    })
    const answer = await node.call<{ data: { duplicate?: boolean }[] }>('POST', '/tenants/acme/events', [
      eventOf(1, 'first'),
    ])
    expect(answer.body.data[0]).toMatchObject({ duplicate: true })
    const keys = await node.call<{ data: object[] }>('GET', '/api-keys')
    expect(keys.body.data).toMatchObject([{ scope: 'read', revokedAt: null }])
    const { body } = await node.call<{ data: { id: string; url: string }[] }>('GET', '/tenants/acme/endpoints')
    const held = body.data.find(each => each.url.endsWith('/held'))!
    await node.call('POST', `/tenants/acme/endpoints/${held.id}/enable`)
    await receiver.waitFor(({ requests }) => requests.some(({ path }) => path === '/ok/held'), { timeoutMs: 20_000 })
    node.kill('SIGTERM')
    expect((await node.ended).code).toBe(0)
    await receiver.close()
  }
})

/** Fills a folder with `events` events and two deliveries of each. */
async function fillFast(place: Place, events: number): Promise<void> {
  const store = new Store(await openSqlite(place.data, systemClock), systemClock)
  await store.write('migrate', {})
  const endpoints = [anEndpoint('acme'), anEndpoint('acme', { partition: 9 })]
  await aTenant(store, 'acme', endpoints)
  const request = (from: number, size: number) => ({
    tenant: 'acme',
    catalogueVersion: 0,
    tenantVersion: 3,
    nowMs: Date.now(),
    keyExpiresAtMs: Date.now() + 1e9,
    events: Array.from({ length: size }, (_, index) => ({
      id: newId('evt', Date.now()),
      type: 'T',
      key: `key-${from + index}`,
      hash: Uint8Array.from(randomBytes(32)),
      payload: Uint8Array.from(randomBytes(500)),
      test: false,
      notSent: {},
      deliveries: endpoints.map(({ id, partition }) => ({
        id: newId('dlv', Date.now()),
        endpoint: id,
        partition,
        held: false,
        ordered: false,
      })),
    })),
  })
  for (let from = 0; from < events; from += 500) {
    const { kind } = await store.publish(request(from, 500))
    expect(kind).toBe('stored')
  }
  await store.close()
}

const markIn = (url: string) =>
  withClient(url, async client => {
    const { rows: tables } = await client.query(`select to_regclass('posthorn.meta') as meta`)
    if (tables[0].meta === null) return null
    const { rows } = await client.query(`select value from posthorn.meta where key = 'move'`)
    return (rows[0]?.value as string | undefined) ?? null
  })

describe('a move that is cut short', () => {
  it(
    'C13: resumes however often it is killed, and serve refuses to start before it is finished',
    { timeout: 120_000 },
    () =>
      inPlace(async place => {
        await fillFast(place, 15_000)
        const url = await newDatabase()
        let kills = 0
        for (; kills < 5; kills++) {
          const before = await markIn(url)
          const run = move(place, url)
          await expect.poll(() => markIn(url), { timeout: 20_000, interval: 5 }).not.toBe(before)
          // Kill it at any point in the batches that follow.
          for (let waits = kills * 2; waits > 0; waits--) await markIn(url)
          run.kill()
          expect((await run.ended).code).toBe(null)
        }
        expect(await markIn(url)).not.toBe(null)
        const env = { POSTHORN_DATABASE_URL: url, POSTHORN_ENCRYPTION_KEY: Buffer.alloc(32).toString('base64') }
        const early = refused(await serve(place, { env }))
        expect([early.code, early.stderr]).toEqual([1, expect.stringContaining('not finished')])
        const { code, stderr } = await move(place, url).ended
        expect([code, stderr]).toEqual([0, expect.stringContaining('Resuming')])
        await expectSame(place, url)
        expect(await markIn(url)).toBe(null)
      }),
  )

  it('does not resume from another folder, nor from its own after serve has run on it', { timeout: 60_000 }, () =>
    inPlace(async place => {
      await fillFast(place, 5_000)
      const url = await newDatabase()
      const store = new Store(await openPostgres(url, systemClock), systemClock)
      await store.write('beginMove', {
        tables: [],
        mark: JSON.stringify({ source: 'another', done: {}, table: null, after: null, rows: 0 }),
      })
      await store.close()
      const { code, stderr } = await move(place, url).ended
      expect([code, stderr]).toEqual([1, expect.stringContaining('unfinished move from another folder')])
      expect((await rowsOfDatabase(url, tablesOf(place.data))).get('event')).toEqual([])
      const own = await newDatabase()
      const run = move(place, own)
      await expect.poll(() => markIn(own), { timeout: 20_000, interval: 5 }).not.toBe(null)
      run.kill()
      await run.ended
      expect(await markIn(own)).not.toBe(null)
      const node = running(await serve(place))
      node.kill('SIGTERM')
      await node.ended
      const after = await move(place, own).ended
      expect([after.code, after.stderr]).toEqual([1, expect.stringContaining('before serve ran on it again')])
    }),
  )
})

describe('a move is refused', () => {
  it('if the folder contains no store, and creates nothing there', () =>
    inPlace(async place => {
      const url = await newDatabase()
      mkdirSync(place.data)
      for (const from of [place.data, join(place.folder, 'nowhere')]) {
        const { code, stderr } = await start(place, ['move', '--from', from, '--to', url]).ended
        expect([code, stderr]).toEqual([1, expect.stringContaining('There is no Posthorn')])
      }
      expect(readdirSync(place.data)).toEqual([])
      expect(existsSync(join(place.folder, 'nowhere'))).toBe(false)
      expect(await markIn(url)).toBe(null)
    }))

  it('while serve is running on the folder', () =>
    inPlace(async place => {
      const node = running(await serve(place))
      const { code, stderr } = await move(place, await newDatabase()).ended
      expect([code, stderr]).toEqual([1, expect.stringContaining('Another Posthorn is using the data folder')])
      node.kill('SIGTERM')
      await node.ended
    }))

  it('if serve has used the database before, which stays unchanged', { timeout: 60_000 }, () =>
    inPlace(async place => {
      const url = await newDatabase()
      const env = { POSTHORN_DATABASE_URL: url, POSTHORN_ENCRYPTION_KEY: Buffer.alloc(32, 5).toString('base64') }
      const node = running(await serve(place, { env }))
      node.kill('SIGTERM')
      await node.ended
      await fillFast(place, 500)
      const before = await rowsOfDatabase(url, tablesOf(place.data))
      const { code, stderr } = await move(place, url).ended
      expect([code, stderr]).toEqual([1, expect.stringContaining('is not empty')])
      expect(await rowsOfDatabase(url, tablesOf(place.data))).toEqual(before)
    }),
  )

  it('with a key that does not match the data, before anything is moved', { timeout: 60_000 }, () =>
    inPlace(async place => {
      const node = running(await serve(place))
      node.kill('SIGTERM')
      await node.ended
      const url = await newDatabase()
      writeFileSync(join(place.data, 'encryption.key'), `${randomBytes(32).toString('base64')}\n`)
      const { code, stderr } = await move(place, url).ended
      expect([code, stderr]).toEqual([1, expect.stringContaining('does not match this data')])
      expect(await markIn(url)).toBe(null)
      rmSync(join(place.data, 'encryption.key'))
      const without = await move(place, url).ended
      expect([without.code, without.stderr]).toEqual([0, expect.stringContaining('the key that serve was run with')])
    }),
  )

  it('from a folder with an older schema, and says how to migrate it', () =>
    inPlace(async place => {
      await fillFast(place, 500)
      const database = new DatabaseSync(join(place.data, 'posthorn.db'))
      database.exec(`update meta set value = '0' where key = 'schema_version'`)
      database.close()
      const { code, stderr } = await move(place, await newDatabase()).ended
      expect([code, stderr]).toEqual([1, expect.stringContaining(`posthorn migrate --data ${place.data}`)])
    }))

  it('if the database does not exist or is not named, and says what to do', () =>
    inPlace(async place => {
      await fillFast(place, 500)
      const { code, stderr } = await move(place, server.url('nowhere')).ended
      expect([code, stderr]).toEqual([1, expect.stringContaining('check POSTHORN_DATABASE_URL')])
      const nothing = await start(place, ['move']).ended
      expect([nothing.code, nothing.stderr]).toEqual([
        2,
        expect.stringMatching(/--from is missing.*\n.*POSTHORN_DATABASE_URL, or use --to/),
      ])
    }))

  it('because of a text that PostgreSQL does not accept, and names it', () =>
    inPlace(async place => {
      await fillFast(place, 500)
      const database = new DatabaseSync(join(place.data, 'posthorn.db'))
      database.exec(`update tenant set name = 'a' || char(0) || 'b'`)
      database.close()
      const { code, stderr } = await move(place, await newDatabase()).ended
      expect([code, stderr]).toEqual([1, expect.stringContaining('tenant.name of ["acme"] contains a NUL')])
    }))
})

it('each table is either moved or listed with the reason why not', () =>
  inPlace(async place => {
    const store = new Store(await openSqlite(place.data, systemClock), systemClock)
    await store.write('migrate', {})
    const there = new Store(await openPostgres(await newDatabase(), systemClock), systemClock)
    await there.write('migrate', {})
    const known = [...MOVED_TABLES, ...Object.keys(UNMOVED_TABLES)].sort()
    for (const each of [store, there]) {
      expect((await each.read('describeTables', {})).map(({ name }) => name).sort()).toEqual(known)
      await each.close()
    }
  }))

describe('posthorn migrate', () => {
  it('reports both versions, on both stores, and creates no store if there is none', { timeout: 60_000 }, () =>
    inPlace(async place => {
      const missing = await start(place, ['migrate', '--data', place.data]).ended
      expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining('There is no Posthorn')])
      expect(existsSync(place.data)).toBe(false)
      const env = { POSTHORN_DATABASE_URL: await newDatabase() }
      const first = await start(place, ['migrate'], env).ended
      expect([first.code, first.stdout]).toEqual([
        0,
        expect.stringMatching(/was migrated from schema version 0 to \d+\.\n$/),
      ])
      const second = await start(place, ['migrate'], env).ended
      expect([second.code, second.stdout]).toEqual([0, expect.stringMatching(/is already at schema version \d+/)])
      const node = running(await serve(place))
      const locked = await start(place, ['migrate', '--data', place.data]).ended
      expect([locked.code, locked.stderr]).toEqual([1, expect.stringContaining('Another Posthorn is using')])
      node.kill('SIGTERM')
      await node.ended
      const after = await start(place, ['migrate', '--data', place.data]).ended
      expect([after.code, after.stdout]).toEqual([0, expect.stringContaining('already')])
      await withClient(env.POSTHORN_DATABASE_URL, client =>
        client.query(`update posthorn.meta set value = '9999' where key like 'schema%'`),
      )
      const newer = await start(place, ['migrate'], env).ended
      expect([newer.code, newer.stderr]).toEqual([1, expect.stringContaining('9999')])
      const typo = await start(place, ['migrate', '--date', place.data]).ended
      expect(typo.code).toBe(2)
    }),
  )
})
