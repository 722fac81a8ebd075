import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { takeSteps } from '../../src/store/migrate.ts'
import { MIGRATIONS, type Migration } from '../../src/store/migrations.ts'
import type { Store } from '../../src/store/store.ts'
import { anEndpoint, anEvent, aRequest, aTenant } from './builders.ts'
import { postgresEngine, sqliteEngine } from './engines.ts'

const VERSION = MIGRATIONS.length

const adds: Migration = {
  does: 'Adds a column and a table.',
  compatibleFrom: MIGRATIONS.at(-1)!.compatibleFrom,
  statements: [
    'alter table live_delivery add column colour {text}',
    'create table shade (id {int} not null primary key)',
    { engine: 'sqlite', text: `insert into meta (key, value) values ('engine', 'sqlite')` },
    { engine: 'postgres', text: `insert into meta (key, value) values ('engine', 'postgres')` },
  ],
}
const takesAway: Migration = { does: 'Takes a column away.', compatibleFrom: VERSION + 1, statements: [] }

describe('the steps', () => {
  it('each say in a sentence what they do, and what may still run never goes back', () => {
    let before = 0
    for (const [index, { does, compatibleFrom, statements }] of MIGRATIONS.entries()) {
      expect(does).toMatch(/^[A-Z].*\.$/)
      expect(statements.length).toBeGreaterThan(0)
      expect(compatibleFrom).toBeGreaterThanOrEqual(Math.max(before, 1))
      expect(compatibleFrom).toBeLessThanOrEqual(index + 1)
      before = compatibleFrom
    }
  })
})

describe.each([sqliteEngine(), postgresEngine()])('migrations on $name', engine => {
  let store: Store
  let close: () => Promise<void>

  beforeEach(async () => {
    const opened = await engine.open()
    store = opened.store
    close = opened.close
  })
  afterEach(() => close())
  afterAll(() => engine.stop())

  const meta = (key: string) => store.read('readMeta', { key })

  it('are taken once, and again to no effect', async () => {
    expect(await takeSteps(store, systemClock)).toBe(0)
    expect(await meta('schema_version')).toBe(String(VERSION))
    expect(await takeSteps(store, systemClock, [...MIGRATIONS, adds, takesAway])).toBe(2)
    expect(await takeSteps(store, systemClock, [...MIGRATIONS, adds, takesAway])).toBe(0)
    expect(await meta('schema_version')).toBe(String(VERSION + 2))
    expect(await meta('schema_compatible_from')).toBe(String(VERSION + 1))
    expect(await meta('engine')).toBe(engine.name)
  })

  it('an older Posthorn starts on a store that a newer one has only added to, and works', async () => {
    await takeSteps(store, systemClock, [...MIGRATIONS, adds])
    expect(await takeSteps(store, systemClock)).toBe(0)
    const endpoint = anEndpoint('acme')
    await aTenant(store, 'acme', [endpoint])
    expect((await store.publish(await aRequest(store, 'acme', [anEvent([endpoint])]))).kind).toBe('stored')
  })

  it('an older Posthorn refuses a store that it can’t go on with, and says what to do', async () => {
    await takeSteps(store, systemClock, [...MIGRATIONS, adds, takesAway])
    const old = takeSteps(store, systemClock)
    await expect(old).rejects.toMatchObject({
      name: 'StoreTooNew',
      message: expect.stringContaining('start the newer'),
    })
    await expect(old).rejects.toThrow(`schema version ${VERSION + 2}`)
    expect(await takeSteps(store, systemClock, [...MIGRATIONS, adds])).toBe(0)
  })

  it('a step that fails half-way leaves nothing, those before it stay, and it can be taken once it is mended', async () => {
    const broken: Migration = {
      ...takesAway,
      statements: ['create table half (id {int})', 'alter table nobody add column x {int}'],
    }
    await expect(takeSteps(store, systemClock, [...MIGRATIONS, adds, broken])).rejects.toThrow(/nobody/)
    expect(await meta('schema_version')).toBe(String(VERSION + 1))
    const mended: Migration = { ...takesAway, statements: ['create table half (id {int})'] }
    expect(await takeSteps(store, systemClock, [...MIGRATIONS, adds, mended])).toBe(1)
  })
})
