import { randomBytes } from 'node:crypto'
import { type Postgres, startPostgres } from '@posthorn/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { examine } from '../../src/commands/doctor/doctor.ts'
import { loadConfig } from '../../src/config/config.ts'
import { openPostgres } from '../../src/store/postgres/driver.ts'
import { Store } from '../../src/store/store.ts'
import { resolvesTo } from '../services/setup.ts'
import { anEndpoint, aTenant } from '../store/builders.ts'

let server: Postgres
let url: string
beforeAll(async () => {
  server = await startPostgres()
  url = await server.createDatabase('doctor')
})
afterAll(() => server.stop())

async function doctor(env: Record<string, string>, isFull = false) {
  const inputs = { POSTHORN_DATABASE_URL: url, POSTHORN_API_KEY: 'k'.repeat(20), ...env }
  const result = loadConfig({ flags: {}, env: inputs, readFile: () => '{}' })
  let text = ''
  const stdout = { write: (part: string) => (text += part) }
  const options = { target: null, isFull, resolver: resolvesTo('93.184.215.14') }
  const isWell = await examine(result, options, { stdout, clock: systemClock })
  return { isWell, text }
}

describe('posthorn doctor on PostgreSQL', () => {
  const key = { POSTHORN_ENCRYPTION_KEY: randomBytes(32).toString('base64') }

  it('reports what is missing, passes once it is there, and reports mismatches', async () => {
    const empty = await doctor(key)
    expect(empty.text).toMatch(/fail +schema +no schema yet\n +→ run posthorn migrate/)
    expect(empty.isWell).toBe(false)

    const store = new Store(await openPostgres(url, systemClock), systemClock)
    await store.write('migrate', {})
    await aTenant(store, 'acme', [anEndpoint('acme')])
    const well = await doctor(key)
    expect(well.text).toMatch(/ok +schema/)
    expect(well.text).toMatch(/ok +writing/)
    expect(well.text).toMatch(/ok +clock +.*database/)
    expect(well.text).toMatch(/ok +DNS +hooks\.example\.com resolves to 93\.184\.215\.14/)
    expect(well.isWell, well.text).toBe(true)
    expect((await doctor({})).text).toMatch(/fail +encryption key +missing/)

    const mismatch = { kind: 'event_deliveries', tenant: 'acme', id: 'evt_1', detail: 'it has 1' } as const
    await store.write('storeMismatches', { mismatches: [mismatch], nowMs: 1 })
    const broken = await doctor(key)
    expect(broken.text).toMatch(/fail +consistency +event_deliveries evt_1 of acme: it has 1/)
    expect(broken.isWell).toBe(false)
    // A full check finds that the mismatch doesn't exist.
    expect((await doctor(key, true)).text).toMatch(/ok +consistency +no mismatches/)
    await store.close()
  })
})
