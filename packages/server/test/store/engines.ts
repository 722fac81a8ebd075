import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Postgres, startPostgres } from '@posthorn/testkit'
import { systemClock } from '../../src/clock.ts'
import type { Driver } from '../../src/store/driver.ts'
import { openPostgres } from '../../src/store/postgres/driver.ts'
import { openSqlite } from '../../src/store/sqlite/driver.ts'
import { Store } from '../../src/store/store.ts'

/** An engine that the conformance suite runs against: how to get an empty store of it. */
export type Engine = {
  readonly name: 'sqlite' | 'postgres'
  open(): Promise<{ store: Store; driver: Driver; close(): Promise<void> }>
  stop(): Promise<void>
}

async function ready(driver: Driver): Promise<Store> {
  const store = new Store(driver, systemClock)
  await store.write('migrate', {})
  return store
}

export function sqliteEngine(): Engine {
  return {
    name: 'sqlite',
    async open() {
      const folder = await mkdtemp(join(tmpdir(), 'posthorn-store-'))
      const driver = await openSqlite(folder, systemClock)
      const store = await ready(driver)
      const close = async () => {
        await store.close()
        await rm(folder, { recursive: true, force: true })
      }
      return { store, driver, close }
    },
    stop: async () => {},
  }
}

export function postgresEngine(): Engine {
  let server: Promise<Postgres> | undefined
  let count = 0
  return {
    name: 'postgres',
    async open() {
      server ??= startPostgres()
      const url = await (await server).createDatabase(`conformance_${++count}`)
      const driver = await openPostgres(url, systemClock)
      const store = await ready(driver)
      return { store, driver, close: () => store.close() }
    },
    stop: async () => (await server)?.stop(),
  }
}
