import { afterAll, describe, expect, it } from 'vitest'
import { newId } from '../../src/base/ids.ts'
import { SessionCache } from '../../src/services/sessions/session-cache.ts'
import { SignInRates } from '../../src/services/sessions/sign-in-rates.ts'
import { HandClock } from '../hand-clock.ts'
import { bytes } from '../store/builders.ts'
import { sqliteEngine } from '../store/engines.ts'

const ROOT_HASH = bytes('root')
const FAR_MS = 4_000_000_000_000

describe('the sessions in memory', () => {
  const engine = sqliteEngine()
  afterAll(() => engine.stop())

  it('take as many reads for a new session however many there were before, and keep little of those that ended', async () => {
    const { store, close } = await engine.open()
    let rows = 0
    const read = store.read.bind(store)
    store.read = (async (name: 'readSessionChanges', args: never) => {
      const result = await read(name, args)
      if (name === 'readSessionChanges') rows += result.sessions.length
      return result
    }) as typeof store.read
    const clock = new HandClock()
    const options = { sessionIdleHours: 12, isRoot: () => true, keyOf: () => undefined, issuerMarks: new Set<string>() }
    const cache = new SessionCache(store, clock, options)
    await cache.open()
    const start = (hash: string) =>
      store.write('createSession', {
        id: newId('ses', store.now()),
        hash: bytes(hash),
        holder: { key: null, rootHash: ROOT_HASH },
        address: null,
        userAgent: 'u'.repeat(256),
        createdAtMs: store.now(),
        expiresAtMs: FAR_MS,
        link: null,
        person: null,
        max: 3,
      })
    for (let nth = 0; nth < 30; nth++) {
      await start(`${nth}`)
      await cache.untilFresh()
    }
    // Each one, and the 27 that ended.
    expect(rows).toBe(30 + 27)
    const found = Array.from({ length: 30 }, (_, nth) => cache.find('session', Buffer.from(bytes(`${nth}`))))
    expect(found.map(each => each === 'ended')).toEqual([...new Array(27).fill(true), false, false, false])
    const later = new SessionCache(store, clock, options)
    rows = 0
    await later.open()
    expect(rows).toBe(3)
    expect(later.find('session', Buffer.from(bytes('29')))).toMatchObject({ key: null })
    await Promise.all([cache.close(), later.close()])
    await close()
  })
})

describe('visits of a portal', () => {
  it('are limited for each tenant, apart from sign-ins', () => {
    const clock = new HandClock()
    const rates = new SignInRates(clock)
    for (let nth = 0; nth < 300; nth++) expect(rates.takeVisit('acme')).toBe(0)
    expect([rates.takeVisit('acme'), rates.takeVisit('other'), rates.take('acme')]).toEqual([60, 0, 0])
    clock.turn(60_000)
    expect(rates.takeVisit('acme')).toBe(0)
  })
})
