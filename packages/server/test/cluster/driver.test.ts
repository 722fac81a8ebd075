import { ask, createAuthority, type Postgres, startPostgres } from '@posthorn/testkit'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { AllPartitions } from '../../src/engine/ownership/partitions.ts'
import { openPostgres } from '../../src/store/postgres/driver.ts'
import { Store } from '../../src/store/store.ts'
import { cover, startOn } from '../engine/harness.ts'

let server: Postgres
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server.stop())

describe('the PostgreSQL driver', () => {
  it("C12: uses the server's time, however wrong this machine's clock is", async () => {
    const url = await server.createDatabase('time')
    let aheadMs = 3_600_000
    const driver = await openPostgres(url, { ...systemClock, now: () => Date.now() + aheadMs })
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    const serverMs = async () =>
      Number((await client.query('select extract(epoch from clock_timestamp()) * 1000 as now')).rows[0].now)
    for (const jumpMs of [0, -7_200_000]) {
      aheadMs += jumpMs
      const [before, now, after] = [await serverMs(), driver.now(), await serverMs()]
      expect(now).toBeLessThanOrEqual(after)
      // Behind by no more than the time the response took to arrive.
      expect(before - now).toBeLessThan(5_000)
    }
    await client.end()
    await driver.close()
  })

  it('C13: a connection cut in a transaction means an unavailable store, and the next call is served', async () => {
    const url = await server.createDatabase('cut')
    const driver = await openPostgres(url, systemClock)
    const store = new Store(driver, systemClock)
    await store.write('migrate', {})
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    // Held by another session, so that the call waits inside its transaction.
    await client.query('begin; lock table posthorn.tenant')
    const put = expect(
      store.write('putTenant', { id: 'acme', name: null, metadata: {}, nowMs: 1 }),
    ).rejects.toMatchObject({ name: 'StoreUnavailable' })
    const cut = async () => {
      const { rows } = await client.query(
        `select count(pg_terminate_backend(pid))::int as cut from pg_stat_activity
         where datname = 'cut' and pid <> pg_backend_pid() and wait_event_type = 'Lock'`,
      )
      return rows[0].cut as number
    }
    await expect.poll(cut, { timeout: 5_000 }).toBeGreaterThan(0)
    await put
    await client.query('rollback')
    expect((await store.write('putTenant', { id: 'acme', name: null, metadata: {}, nowMs: 1 }))?.created).toBe(true)
    await client.end()
    await store.close()
  })

  it('C13: responds to a repeated call no sooner than a standby has the event', { timeout: 60_000 }, async () => {
    const own = await startPostgres()
    const url = own.url()
    const authority = await createAuthority()
    const driver = await openPostgres(url, systemClock)
    const node = await startOn(driver, store => new AllPartitions(store), authority, {}, false)
    await node.tenants.put('acme', {})
    const event = { ...cover(1), id: 'once' }
    await node.publish('acme', event)
    expect((await node.publish('acme', event)).events[0]!.duplicate).toBe(true)
    // A standby that never appears.
    await ask(url, `alter system set synchronous_standby_names = 'unknown'`)
    await ask(url, 'select pg_reload_conf()')
    const names = () => ask(url, `select current_setting('synchronous_standby_names') as names`)
    await expect.poll(names, { timeout: 10_000 }).toEqual([{ names: 'unknown' }])
    await expect(node.publish('acme', event)).rejects.toMatchObject({ name: 'StoreUnavailable' })
    await ask(url, 'alter system reset synchronous_standby_names')
    await ask(url, 'select pg_reload_conf()')
    await node.stop()
    await own.stop()
  })
})
