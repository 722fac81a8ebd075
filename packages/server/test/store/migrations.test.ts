import { createHash } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { takeSteps } from '../../src/store/migrate.ts'
import { MIGRATIONS } from '../../src/store/migrations/index.ts'
import type { Migration } from '../../src/store/migrations/migration.ts'
import { sqliteDialect } from '../../src/store/sqlite/dialect.ts'
import type { Store } from '../../src/store/store.ts'
import { anEndpoint, anEvent, aRequest, aTenant } from './builders.ts'
import { engines } from './engines.ts'

const VERSION = MIGRATIONS.length

const FOLDER = fileURLToPath(new URL('../../src/store/migrations', import.meta.url))
const stepFiles = readdirSync(FOLDER)
  .filter(file => /^\d{4}-/.test(file))
  .sort()

/** A hash of each step, of what it says and does, as it was last reviewed. */
const KNOWN: Readonly<Record<string, string>> = {
  '0001-first-release.ts': '0fca98e2e23530ca',
  '0002-callers.ts': '6d7fbb73a4dbf26e',
  '0003-selections.ts': 'ca5403013117bc7b',
  '0004-node-reports.ts': 'c65cf57e67d05ad6',
  '0005-sessions.ts': '33af74998126e207',
  '0006-overview.ts': '044d3bfeda049a7b',
  '0007-stream.ts': 'a0492edcfa34d7d4',
  '0008-portal.ts': 'da524002f08d77fa',
  '0009-portal-looks.ts': '47edce9696fb3527',
  '0010-notifications.ts': '34f33e31b077e108',
  '0011-people.ts': '5047d5f755917c5d',
  '0012-listeners.ts': '5e45a063a194a6c3',
  '0013-senders.ts': 'f409ff3eae64712c',
  '0014-narrow-indexes.ts': '75f7a69436877281',
}
/** Steps that stores of a release have taken; nothing has been released yet. */
const RELEASED: readonly string[] = []

const hashOf = (step: Migration | undefined): string =>
  createHash('sha256')
    .update(JSON.stringify(step ?? null))
    .digest('hex')
    .slice(0, 16)

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

describe('migration steps', () => {
  it('each say in a sentence what they do, and never become compatible with an earlier version again', () => {
    let before = 0
    for (const [index, { does, compatibleFrom, statements }] of MIGRATIONS.entries()) {
      expect(does).toMatch(/^[A-Z].*\.$/)
      expect(statements.length).toBeGreaterThan(0)
      expect(compatibleFrom).toBeGreaterThanOrEqual(Math.max(before, 1))
      expect(compatibleFrom).toBeLessThanOrEqual(index + 1)
      before = compatibleFrom
    }
  })

  it('are one file each, numbered from 0001 and named after what the step does', () => {
    for (const [index, file] of stepFiles.entries()) {
      const number = String(index + 1).padStart(4, '0')
      expect(file, `step ${index + 1} must be in a file named ${number}-what-it-does.ts`).toMatch(
        new RegExp(`^${number}-[a-z0-9]+(-[a-z0-9]+)*\\.ts$`),
      )
    }
  })

  it('are all listed, each at the position of its number', async () => {
    for (const [index, file] of stepFiles.entries()) {
      const steps = Object.values((await import(`${FOLDER}/${file}`)) as Record<string, unknown>)
      expect(steps, `${file} must export its step and nothing else`).toHaveLength(1)
      expect(MIGRATIONS[index] === steps[0], `migrations/index.ts lists ${file} at position ${index + 1}`).toBe(true)
    }
    expect(MIGRATIONS.length, 'each listed step must have a file').toBe(stepFiles.length)
  })

  it('do not change once they are released', () => {
    for (const [index, file] of stepFiles.entries()) {
      const hash = hashOf(MIGRATIONS[index])
      const what = RELEASED.includes(file)
        ? `${file} was released, and stores have already taken it: undo the change, and add a step instead`
        : `${file} is new or has changed and is not released: put its hash ${hash} into KNOWN`
      expect(hash, what).toBe(KNOWN[file])
    }
    expect(Object.keys(KNOWN), 'no step may be removed').toEqual(stepFiles)
  })

  it('use only words in braces that every engine knows', () => {
    const used = MIGRATIONS.flatMap(({ statements }) => statements)
      .map(statement => (typeof statement === 'string' ? statement : statement.text))
      .flatMap(text => [...text.matchAll(/\{(\w+)\}/g)].map(match => match[1]!))
    const known = Object.keys(sqliteDialect.words)
    expect([...new Set(used)].filter(word => !known.includes(word))).toEqual([])
  })
})

describe.each(engines())('migrations on $name', engine => {
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

  it('are taken only once', async () => {
    expect(await takeSteps(store, systemClock)).toBe(0)
    expect(await meta('schema_version')).toBe(String(VERSION))
    expect(await takeSteps(store, systemClock, [...MIGRATIONS, adds, takesAway])).toBe(2)
    expect(await takeSteps(store, systemClock, [...MIGRATIONS, adds, takesAway])).toBe(0)
    expect(await meta('schema_version')).toBe(String(VERSION + 2))
    expect(await meta('schema_compatible_from')).toBe(String(VERSION + 1))
    expect(await meta('engine')).toBe(engine.name)
  })

  it('an older Posthorn works with a store to whose schema a newer one has only added', async () => {
    await takeSteps(store, systemClock, [...MIGRATIONS, adds])
    expect(await takeSteps(store, systemClock)).toBe(0)
    const endpoint = anEndpoint('acme')
    await aTenant(store, 'acme', [endpoint])
    expect((await store.publish(await aRequest(store, 'acme', [anEvent([endpoint])]))).kind).toBe('stored')
  })

  it("an older Posthorn refuses a store that it can't work with, and says what to do", async () => {
    await takeSteps(store, systemClock, [...MIGRATIONS, adds, takesAway])
    const old = takeSteps(store, systemClock)
    await expect(old).rejects.toMatchObject({
      name: 'StoreTooNew',
      message: expect.stringContaining('start the newer'),
    })
    await expect(old).rejects.toThrow(`schema version ${VERSION + 2}`)
    expect(await takeSteps(store, systemClock, [...MIGRATIONS, adds])).toBe(0)
  })

  it('a step that fails halfway leaves no trace, keeps earlier steps, and can be taken once it is fixed', async () => {
    const broken: Migration = {
      ...takesAway,
      statements: ['create table half (id {int})', 'alter table unknown add column x {int}'],
    }
    await expect(takeSteps(store, systemClock, [...MIGRATIONS, adds, broken])).rejects.toThrow(/unknown/)
    expect(await meta('schema_version')).toBe(String(VERSION + 1))
    const mended: Migration = { ...takesAway, statements: ['create table half (id {int})'] }
    expect(await takeSteps(store, systemClock, [...MIGRATIONS, adds, mended])).toBe(1)
  })
})
