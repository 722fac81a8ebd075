import {
  type Authority,
  ask,
  createAuthority,
  type Postgres,
  startPostgres,
  startProxy,
  startReceiver,
} from '@posthorn/testkit'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { LeasedPartitions } from '../../src/engine/ownership/partitions.ts'
import type { Bus } from '../../src/store/bus.ts'
import type { Change } from '../../src/store/changes.ts'
import { MIGRATIONS } from '../../src/store/migrations/index.ts'
import { PostgresBus } from '../../src/store/postgres/bus.ts'
import { openPostgres } from '../../src/store/postgres/driver.ts'
import { Relay } from '../../src/store/relay.ts'
import { Store } from '../../src/store/store.ts'
import { StoreUnavailable } from '../../src/store/transaction.ts'
import { cover, startOn } from '../engine/harness.ts'

const SECRET = 'c2VjcmV0LXRva2VuLXdpdGgtcGFkZGluZw=='
const PARTITIONS = Array.from({ length: 256 }, (_, partition) => partition)

let server: Postgres
let authority: Authority
beforeAll(async () => {
  ;[server, authority] = await Promise.all([startPostgres(), createAuthority()])
})
afterAll(() => server.stop())

/** Retries until the lock on configuration changes, which the cluster has once, is free. */
const putAgain = async (store: Store) => {
  for (;;) {
    try {
      return await store.write('putTenant', { id: 'other', name: null, metadata: {}, nowMs: 1 })
    } catch (error) {
      // Waiting for the lock timed out.
      if (!(error instanceof StoreUnavailable)) throw error
    }
  }
}

const through = (url: string, port: number) => url.replace(/:\d+\//, `:${port}/`)

describe('faults between Posthorn and PostgreSQL', () => {
  it('C13: a connection that is cut silently costs seconds, not the leases', { timeout: 90_000 }, async () => {
    const url = await server.createDatabase('cut_line')
    const proxy = await startProxy(server.port)
    const driver = await openPostgres(through(url, proxy.port), systemClock)
    const node = await startOn(driver, (store, log) => new LeasedPartitions(store, systemClock, log, 10_000), authority)
    const receiver = await startReceiver({ authority, names: ['localhost'], record: false })
    await node.tenants.put('acme', {})
    await node.endpoints.create('acme', { url: receiver.url, clientSecret: SECRET })
    await node.publish('acme', cover(1))
    await receiver.waitFor(() => receiver.total === 1)
    // The open connections swallow everything; a new one would work.
    proxy.cut('open')
    let accepted = 0
    for (let at = 2; accepted === 0; at++) {
      await node.publish('acme', cover(at)).then(
        () => accepted++,
        () => {},
      )
    }
    await receiver.waitFor(() => receiver.total >= 2, { timeoutMs: 30_000 })
    const lines = node.lines.map(({ msg }) => msg)
    expect(lines).not.toContain('leases expired; not sending until the database responds')
    expect(PARTITIONS.every(partition => node.partitions.epochOf(partition) !== undefined)).toBe(true)
    await node.stop()
    await proxy.close()
    await receiver.close()
  })

  it('a transaction whose client stalls keeps its locks for only a few seconds', { timeout: 60_000 }, async () => {
    const url = await server.createDatabase('still')
    const proxy = await startProxy(server.port)
    const direct = new Store(await openPostgres(url, systemClock), systemClock)
    await direct.write('migrate', {})
    const driver = await openPostgres(through(url, proxy.port), systemClock)
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    // We block it inside its transaction, while it has the configuration lock; then its connection is cut.
    await client.query('begin; lock table posthorn.tenant')
    const put = driver.write([{ name: 'putTenant', args: { id: 'acme', name: null, metadata: {}, nowMs: 1 } }])
    const waiting = `select count(*)::int as n from pg_stat_activity where datname = 'still' and wait_event_type = 'Lock'`
    await expect.poll(async () => (await ask(url, waiting))[0]!.n, { timeout: 4_000, interval: 20 }).toBe(1)
    proxy.cut('open')
    await client.query('rollback')
    await client.end()
    const idle = `select count(*)::int as n from pg_stat_activity where datname = 'still' and state = 'idle in transaction'`
    expect(await ask(url, idle)).toEqual([{ n: 1 }])
    await expect(putAgain(direct)).resolves.toBeDefined()
    const [result] = await put
    expect(result!.ok === false && result!.error.name).toBe('StoreUnavailable')
    await driver.close()
    await direct.close()
    await proxy.close()
  })

  it('a server that is read-only, as a standby is, or not durable is an unavailable store', async () => {
    const url = await server.createDatabase('unfit')
    const driver = await openPostgres(url, systemClock)
    const store = new Store(driver, systemClock)
    await store.write('migrate', {})
    await ask(url, `alter database unfit set synchronous_commit = off`)
    await expect(openPostgres(url, systemClock)).rejects.toMatchObject({ name: 'NotDurable' })
    await ask(url, `alter database unfit reset synchronous_commit`)
    // For the whole server, as hosting services do when its disk is nearly full. A role's default is replaced.
    const args = { id: 'acme', name: null, metadata: {}, nowMs: 1 }
    const writing = async () => (await driver.write([{ name: 'putTenant', args }]))[0]
    await ask(url, `alter system set default_transaction_read_only = on`)
    await ask(url, 'select pg_reload_conf()')
    await expect.poll(writing, { timeout: 10_000 }).toMatchObject({
      ok: false,
      error: { name: 'StoreUnavailable', cause: { message: expect.stringContaining('read-only') } },
    })
    expect(await store.read('readMeta', { key: 'schema_version' })).toBe(String(MIGRATIONS.length))
    const writable = `${url}?options=-c%20default_transaction_read_only%3Doff`
    await ask(writable, `alter system reset default_transaction_read_only`)
    await ask(writable, 'select pg_reload_conf()')
    await expect.poll(writing, { timeout: 10_000 }).toMatchObject({ ok: true })
    await store.close()
  })
})

describe('messages between nodes', () => {
  const listen = async (bus: Bus, url: string) => {
    const store = new Store(await openPostgres(url, systemClock), systemClock)
    await store.write('migrate', {})
    const heard: Change[] = []
    store.changes.on(change => void heard.push(change))
    const relay = new Relay(store, bus, systemClock, () => false)
    await relay.start()
    return {
      store,
      heard,
      areHeard: () => heard.flatMap(change => (change.kind === 'messages' ? [change.areHeard] : [])),
      async stop() {
        await relay.stop()
        await store.close()
      },
    }
  }

  it('are reported as arriving, as lost with their connection, and as arriving again', {
    timeout: 60_000,
  }, async () => {
    const url = await server.createDatabase('messages')
    const proxy = await startProxy(server.port)
    const node = await listen(new PostgresBus(through(url, proxy.port), systemClock), url)
    await expect.poll(node.areHeard, { timeout: 10_000 }).toEqual([true])
    proxy.cut('open')
    await expect.poll(node.areHeard, { timeout: 30_000 }).toEqual([true, false, true])
    await node.stop()
    await proxy.close()
  })

  it("are kept while they can't be sent", { timeout: 60_000 }, async () => {
    const url = await server.createDatabase('kept')
    const sent: string[] = []
    let isAway = true
    const bus: Bus = {
      open: async () => {},
      send: async message => {
        if (!isAway) sent.push(message)
        return !isAway
      },
      close: async () => {},
    }
    const node = await listen(bus, url)
    const tried = Promise.withResolvers<void>()
    const send = bus.send
    bus.send = async message => {
      tried.resolve()
      return send(message)
    }
    node.store.changes.emit({ kind: 'catalogue' })
    await tried.promise
    isAway = false
    await expect.poll(() => sent.join(), { timeout: 10_000 }).toContain('"kind":"catalogue"')
    expect(sent).toHaveLength(1)
    await node.stop()
  })
})
