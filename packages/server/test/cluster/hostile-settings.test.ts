import { createServer, Socket } from 'node:net'
import { publish } from '@posthorn/client'
import { ask, createAuthority, type Postgres, startPostgres, startReceiver } from '@posthorn/testkit'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { takeSteps } from '../../src/store/migrate.ts'
import { MIGRATIONS } from '../../src/store/migrations/index.ts'
import { PostgresBus } from '../../src/store/postgres/bus.ts'
import { openPostgres } from '../../src/store/postgres/driver.ts'
import { Store } from '../../src/store/store.ts'
import { cover } from '../engine/harness.ts'
import { allowSchema, createHostileRole, urlAs } from '../store/hostile-role.ts'
import { SECRET, startNode } from './node.ts'

const ROLE = 'hostile'

let server: Postgres
let settings: Readonly<Record<string, string>>
let count = 0
beforeAll(async () => {
  server = await startPostgres()
  settings = await createHostileRole(server, ROLE)
})
afterAll(() => server.stop())

/** An empty database, as the role and as the administrator. */
async function database() {
  const admin = await server.createDatabase(`hostile_${++count}`)
  await allowSchema(admin, ROLE)
  return { admin, url: urlAs(admin, ROLE) }
}

/** Passes a number of the clients' messages on to the server, then cuts all connections, once. */
async function cuttingProxy(messages: number) {
  const sockets = new Set<Socket>()
  let left = messages
  const proxy = createServer(near => {
    const far = new Socket().connect(server.port, '127.0.0.1')
    for (const socket of [near, far]) sockets.add(socket.on('error', () => {}))
    near.on('data', data => {
      if (left-- === 0) for (const socket of sockets) socket.destroy()
      else if (!far.destroyed) far.write(data)
    })
    far.on('data', data => near.write(data))
    far.on('close', () => near.destroy())
    near.on('close', () => far.destroy())
  })
  await new Promise<void>(resolve => void proxy.listen(0, '127.0.0.1', resolve))
  const { port } = proxy.address() as { port: number }
  return {
    through: (url: string) => url.replace(/:\d+\//, `:${port}/`),
    isCut: () => left < 0,
    close: () => new Promise<unknown>(resolve => void proxy.close(resolve)),
  }
}

describe('a role with hostile settings', () => {
  it('really has them in its sessions, and the driver alone replaces one', async () => {
    const { url } = await database()
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    const { rows } = await client.query('select name, setting, source from pg_settings where name = any ($1)', [
      Object.keys(settings),
    ])
    await client.end()
    // Those of PL/pgSQL exist once a function has been called.
    expect(rows).toHaveLength(Object.keys(settings).filter(name => !name.includes('.')).length)
    const others = rows.filter(({ source }) => source !== 'user').map(({ name, setting }) => [name, setting])
    expect(others).toEqual([['client_encoding', 'UTF8']])
  })

  it('C5 C13: sets up, publishes by API and SQL, delivers, and exchanges messages', { timeout: 60_000 }, async () => {
    const { url } = await database()
    const authority = await createAuthority()
    const receiver = await startReceiver({ authority, names: ['localhost'] })
    const node = await startNode(url, authority)
    await node.tenants.put('acme', {})
    await node.endpoints.create('acme', { url: receiver.url, clientSecret: SECRET })
    await node.publish('acme', cover(1))
    const sql = new pg.Client({ connectionString: url })
    await sql.connect()
    // How long a provider's sessions can be idle is the provider's to choose, and so is how long they wait for locks.
    await sql.query('set idle_in_transaction_session_timeout = 0; set idle_session_timeout = 0')
    await sql.query('begin isolation level serializable read write; set local lock_timeout = 0')
    const event = {
      tenant: 'acme',
      type: 'COVER_REFERENCE',
      key: 'k',
      payload: '{"CoverId":"564200aa-7128-4a26-83a8-cf0201903fcc","x":"\\u00e9\\\\"}',
    }
    const { id } = await publish(sql, event)
    expect((await publish(sql, event)).id).toBe(id)
    await sql.query('commit')
    await sql.end()
    await receiver.waitFor(() => receiver.total === 2, { timeoutMs: 30_000 })
    expect(receiver.requests.map(({ body }) => Buffer.from(body).toString()).sort()).toEqual(
      [JSON.stringify(cover(1).payload), event.payload].sort(),
    )
    await node.stop()
    await receiver.close()
  })

  it('keeps the connection for messages, longer than it lets sessions be idle', { timeout: 30_000 }, async () => {
    const { url } = await database()
    const heard: string[] = []
    const line: boolean[] = []
    const bus = new PostgresBus(url, systemClock)
    await bus.open(
      message => void heard.push(message),
      areHeard => void line.push(areHeard),
    )
    // The bus reports that messages arrive two seconds after it has connected; sessions can be idle for a tenth of one.
    await expect.poll(() => line, { timeout: 10_000 }).toEqual([true])
    const message = `'"\\ é`
    expect(await bus.send(message)).toBe(true)
    await expect.poll(() => heard, { timeout: 10_000 }).toEqual([message])
    expect(line).toEqual([true])
    await bus.close()
  })

  it('works although a whole transaction can only take a millisecond', async ({ skip }) => {
    skip(settings.transaction_timeout === undefined, 'only PostgreSQL 17 and later have this setting')
    const { url, admin } = await database()
    await ask(admin, `alter role ${ROLE} set transaction_timeout = 1`)
    const driver = await openPostgres(url, systemClock)
    const store = new Store(driver, systemClock)
    await takeSteps(store, systemClock)
    expect(await driver.scrub()).toBe(true)
    const bus = new PostgresBus(url, systemClock)
    const { promise: areHeard, resolve } = Promise.withResolvers<boolean>()
    await bus.open(() => {}, resolve)
    expect(await areHeard).toBe(true)
    await bus.close()
    await store.close()
    await ask(admin, `alter role ${ROLE} set transaction_timeout = ${settings.transaction_timeout}`)
  })

  it('vacuums after an erasure, however short the timeout of its statements is', async () => {
    const { url, admin } = await database()
    const driver = await openPostgres(url, systemClock)
    await new Store(driver, systemClock).write('migrate', {})
    await ask(admin, `alter role ${ROLE} set statement_timeout = 1`)
    expect(await driver.scrub()).toBe(true)
    await ask(admin, `alter role ${ROLE} set statement_timeout = ${settings.statement_timeout}`)
    await driver.close()
  })
})

describe('a database in another encoding than UTF-8', () => {
  it('is refused, with the statement that creates a usable one', async () => {
    await ask(server.url(), `create database latin encoding 'LATIN1' template template0`)
    await expect(openPostgres(server.url('latin'), systemClock)).rejects.toThrow(/LATIN1.*encoding 'UTF8'/s)
  })
})

describe('the set-up of a database', () => {
  it('can be repeated after a cut at any of its statements', { timeout: 120_000 }, async () => {
    const setUp = async (url: string) => {
      const store = new Store(await openPostgres(url, systemClock), systemClock)
      try {
        return await takeSteps(store, systemClock)
      } finally {
        await store.close()
      }
    }
    // The whole set-up takes some 260 messages; the step is prime, so that it meets statements of each kind.
    let cuts = 0
    for (let at = 3; ; at += 47) {
      const { url } = await database()
      const proxy = await cuttingProxy(at)
      const first = await setUp(proxy.through(url)).catch(() => undefined)
      const isCut = proxy.isCut()
      if (isCut) cuts++
      if (first === undefined) await setUp(url)
      const found = await ask(url, `select value from posthorn.meta where key = 'schema_version'`)
      expect(found).toEqual([{ value: String(MIGRATIONS.length) }])
      // Days in the past and to come, each once and in all three tables.
      const spans = await ask(
        url,
        `select count(*)::int as spans from pg_inherits where inhparent = 'posthorn.event'::regclass`,
      )
      expect(spans[0]!.spans).toBeGreaterThanOrEqual(8)
      await proxy.close()
      if (!isCut) break
    }
    expect(cuts).toBeGreaterThan(3)
  })
})
