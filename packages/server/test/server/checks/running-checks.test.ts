import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Clock, systemClock } from '../../../src/base/clock.ts'
import type { Finding } from '../../../src/base/findings.ts'
import { examine } from '../../../src/commands/doctor/doctor.ts'
import { type Environment, loadConfig } from '../../../src/config/config.ts'
import type { Resolver } from '../../../src/guard/lookup.ts'
import { RunningChecks } from '../../../src/server/checks/running-checks.ts'
import { openKeyring, openRootKey } from '../../../src/server/instance-keys.ts'
import { openSqlite } from '../../../src/store/sqlite/driver.ts'
import { Store } from '../../../src/store/store.ts'
import { StoreUnavailable } from '../../../src/store/transaction.ts'
import { HandClock } from '../../hand-clock.ts'
import { resolvesTo } from '../../services/setup.ts'
import { anEndpoint, aTenant } from '../../store/builders.ts'

let folder: string
let store: Store
const resolver = resolvesTo('93.184.215.14')

const configOf = (env: Environment = {}) => {
  const loaded = loadConfig({ flags: { '--data': [folder] }, env, readFile: () => '' })
  if (!loaded.ok) throw new Error(loaded.problems.join('\n'))
  return loaded
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'posthorn-checks-'))
  store = new Store(await openSqlite(folder, systemClock), systemClock)
  await store.write('migrate', {})
  const { config } = configOf()
  await openKeyring(store, config)
  await openRootKey(store, undefined, () => {})
  await aTenant(store, 'acme', [anEndpoint('acme')])
})
afterEach(async () => {
  await store.close()
  await rm(folder, { recursive: true, force: true })
})

type Given = { readonly clock?: Clock; readonly resolver?: Resolver; readonly env?: Environment; readonly of?: Store }

const checksOf = (given: Given = {}) =>
  new RunningChecks({
    store: given.of ?? store,
    config: configOf(given.env).config,
    clock: given.clock ?? systemClock,
    resolver: given.resolver ?? resolver,
  })

/** The store, with its reads counted or replaced. */
function storeWith(read: (name: string, args: object) => Promise<unknown>): Store {
  const replaced = Object.create(store) as Store
  Object.defineProperties(replaced, {
    engine: { value: 'sqlite' },
    read: { value: read },
    durability: { value: () => store.durability() },
    now: { value: () => store.now() },
  })
  return replaced
}

const SOON = { timeout: 20_000, interval: 5 }
const partsOf = (findings: readonly Finding[]) => findings.map(({ part }) => part)
const levelOf = (findings: readonly Finding[], part: string) => findings.find(each => each.part === part)?.level
describe('the checks of a running server', () => {
  it('find nothing wrong with a healthy installation, and leave nothing in its folder', async () => {
    const before = await readdir(folder)
    const { findings, checkedAtMs, durationMs } = await checksOf().report()
    expect(findings.filter(({ level }) => level === 'fail')).toEqual([])
    expect(levelOf(findings, 'integrity')).toBe('ok')
    expect(levelOf(findings, 'DNS')).toBe('ok')
    expect(await readdir(folder)).toEqual(before)
    expect([checkedAtMs > 0, durationMs >= 0]).toEqual([true, true])
  })

  it('are those of doctor', async () => {
    let text = ''
    const stdout = { write: (line: string) => (text += line) }
    await examine(configOf(), { target: null, isFull: false, resolver }, { stdout, clock: systemClock })
    const doctors = [...text.matchAll(/^(?:ok|warn|fail) +(.+?) {2,}/gm)].map(([, part]) => part!)
    const { findings } = await checksOf().report()
    // Doctor also reads the configuration, opens the store, and can try to reach a receiver.
    const doctorsOnly = ['configuration', 'server', 'store', 'egress']
    expect(partsOf(findings)).toEqual(doctors.filter(part => !doctorsOnly.includes(part)))
    expect(partsOf(findings)).toContain('consistency')
  })

  it('report what is wrong, with what to do', async () => {
    await chmod(folder, 0o755)
    await store.write('storeMismatches', {
      mismatches: [{ kind: 'event_deliveries', tenant: 'acme', id: 'evt_1', detail: 'it has 1' }],
      nowMs: 1,
    })
    await writeFile(join(folder, 'encryption.key'), `${Buffer.alloc(32, 7).toString('base64')}\n`)
    const { findings } = await checksOf({ env: { POSTHORN_DEV: 'true' } }).report()
    const wrong = Object.fromEntries(
      findings.filter(({ level }) => level !== 'ok').map(each => [each.part, each.level]),
    )
    expect(wrong).toMatchObject({ folder: 'warn', 'encryption key': 'fail', consistency: 'fail', development: 'warn' })
    for (const { level, advice } of findings) expect(advice === null).toBe(level === 'ok')
  })

  it('run at most once a minute, and never twice at the same time', async () => {
    const clock = new HandClock()
    let reads = 0
    const counted = storeWith((name, args) => {
      if (name === 'readMeta') reads++
      return store.read(name as 'readMeta', args as { key: string })
    })
    const checks = checksOf({ clock, of: counted })
    const reports = await Promise.all([checks.report(), checks.report(), checks.report()])
    const once = reads
    expect(once).toBeGreaterThan(0)
    expect(new Set(reports).size).toBe(1)
    clock.turn(59_000)
    expect(await checks.report()).toBe(reports[0])
    expect(reads).toBe(once)
    clock.turn(1_000)
    expect(await checks.report()).not.toBe(reports[0])
    expect(reads).toBe(2 * once)
  })

  it('end even if one of them hangs, which is not made again until it has ended', async () => {
    const clock = new HandClock()
    const stuck: (() => void)[] = []
    const hanging: Resolver = (_host, _options, callback) => {
      stuck.push(() => callback(null, [{ address: '93.184.215.14', family: 4 }]))
    }
    const checks = checksOf({ clock, resolver: hanging })
    const first = checks.report()
    await expect.poll(() => stuck.length, SOON).toBe(1)
    clock.turn(5_000)
    const { findings } = await first
    expect(findings.find(({ part }) => part === 'DNS')).toMatchObject({
      level: 'warn',
      says: 'the check takes too long',
    })
    expect(levelOf(findings, 'consistency')).toBe('ok')
    clock.turn(60_000)
    const again = (await checks.report()).findings.find(({ part }) => part === 'DNS')
    expect(again).toMatchObject({ level: 'warn', says: expect.stringContaining('previous check') })
    expect(stuck).toHaveLength(1)
    stuck[0]!()
    await new Promise<void>(resolve => setImmediate(resolve))
    clock.turn(60_000)
    const last = checks.report()
    await expect.poll(() => stuck.length, SOON).toBe(2)
    stuck[1]!()
    expect(levelOf((await last).findings, 'DNS')).toBe('ok')
  })

  it('say so if the store cannot be read', async () => {
    const broken = storeWith(async () => {
      throw new StoreUnavailable('disk I/O error')
    })
    const { findings } = await checksOf({ of: broken }).report()
    expect(levelOf(findings, 'schema')).toBe('fail')
    expect(JSON.stringify(findings)).toContain('disk I/O error')
  })

  it('C14: show no secret', async () => {
    const key = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(bytes => Buffer.from(bytes).toString('base64'))
    const apiKey = fc.stringMatching(/^[A-Za-z0-9._~+/-]{16,60}$/)
    const proxy = fc.stringMatching(/^[a-zA-Z0-9]{12,30}$/)
    await fc.assert(
      fc.asyncProperty(key, key, apiKey, proxy, async (encryption, older, root, password) => {
        const env = {
          POSTHORN_ENCRYPTION_KEY: encryption,
          POSTHORN_OLDER_ENCRYPTION_KEYS: older,
          POSTHORN_API_KEY: root,
          POSTHORN_PROXY: `http://user:${password}@proxy.internal:3128`,
        }
        const text = JSON.stringify(await checksOf({ env }).report())
        for (const secret of [encryption, older, root, password]) expect(text).not.toContain(secret)
      }),
      { numRuns: 5 },
    )
  })
})
