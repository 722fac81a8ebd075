import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MIGRATIONS } from '../packages/server/src/store/migrations/index.ts'
import { findLastRelease, type OldServer, unpackRelease } from './last-release.ts'
import { differencesOf, type Readings } from './reading.ts'
import { runUpgrade, STORES } from './run.ts'

const TIMEOUT = { timeout: 240_000 }

describe('an upgrade from the last release, under load', () => {
  let old: OldServer
  let migrations: number
  beforeAll(async () => {
    old = unpackRelease()
    const list = new URL('store/migrations/index.ts', `file://${old.cli}`)
    migrations = (await import(list.href)).MIGRATIONS.length
  })
  afterAll(() => old?.remove())

  it.each(STORES)('C13: loses nothing, repeats nothing and changes nothing on %s', TIMEOUT, async store => {
    const log: string[] = []
    const result = await runUpgrade({ store, old, eventsPerSecond: 40, calmMs: 2_000 }, line => log.push(line))
    expect(result, log.join('\n')).toMatchObject({ lost: 0, repeated: 0, unknown: 0, differences: [], faults: [] })
    expect(result.accepted).toBeGreaterThan(200)
    expect(result.compared).toBeGreaterThan(100)
    // The old version works with the store as long as no migration has removed what it needs (decision 12).
    const isCompatible = (MIGRATIONS.at(-1)?.compatibleFrom ?? 0) <= migrations
    expect(result.back, result.refusal ?? '').toBe(isCompatible ? 'works' : 'refused')
    if (!isCompatible) expect(result.refusal).toContain('start the newer Posthorn that wrote it')
  })
})

describe('the last release', () => {
  let folder: string
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], { cwd: folder })
  const commit = (name: string) => {
    writeFileSync(join(folder, name), name)
    git('add', '.')
    git('commit', '-q', '-m', name)
  }
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'posthorn-tags-'))
    git('init', '-q')
    commit('one')
    commit('two')
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('is the newest tag before this commit, without candidates, and until then a commit', () => {
    expect(findLastRelease(folder)).toMatch(/^[0-9a-f]{8}$/)
    git('tag', 'v1.0.0')
    expect(findLastRelease(folder)).toMatch(/^[0-9a-f]{8}$/)
    commit('three')
    git('tag', 'v1.1.0-rc.1')
    commit('four')
    git('tag', 'v1.1.0')
    expect(findLastRelease(folder)).toBe('v1.0.0')
    commit('five')
    expect(findLastRelease(folder)).toBe('v1.1.0')
  })

  it('says how to get it if the clone does not contain it', () => {
    expect(() => unpackRelease('v9.9.9', folder)).toThrow('does not contain v9.9.9')
    expect(() => unpackRelease('v9.9.9', folder)).toThrow('git fetch --unshallow --tags')
  })
})

describe('differences between two readings', () => {
  const readings = (body: unknown): Readings => new Map([['/v1/things', { status: 200, body }]])

  it('are values, members and rows that are missing or not the same; new members are none', () => {
    const before = readings({ data: [{ id: 'a', name: 'A', at: null }], nextCursor: 'x' })
    expect(
      differencesOf(before, readings({ data: [{ id: 'a', name: 'A', at: null, more: 1 }], nextCursor: 'y' })),
    ).toEqual([])
    for (const body of [
      { data: [] },
      { data: [{ id: 'a', name: 'B', at: null }] },
      { data: [{ id: 'a', name: 'A' }] },
      { data: [{ id: 'a', name: 'A', at: null }, { id: 'b' }] },
    ]) {
      expect(differencesOf(before, readings(body)), JSON.stringify(body)).toHaveLength(1)
    }
    expect(differencesOf(before, new Map())).toEqual(['/v1/things: is gone'])
  })
})
