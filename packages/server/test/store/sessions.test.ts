import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Actor } from '../../src/base/callers.ts'
import { newId } from '../../src/base/ids.ts'
import type { Holder } from '../../src/store/operations/sessions.ts'
import type { Store } from '../../src/store/store.ts'
import { aTenant, bytes } from './builders.ts'
import { engines } from './engines.ts'

const BY: Actor = { kind: 'root', key: null, name: null, address: '192.0.2.1' }
const ROOT_HASH = bytes('root')
const ROOT: Holder = { key: null, rootHash: ROOT_HASH }
const FAR_MS = 1_000_000

describe.each(engines())('sessions on $name', engine => {
  let store: Store
  let close: () => Promise<void>

  beforeEach(async () => {
    const opened = await engine.open()
    store = opened.store
    close = opened.close
  })
  afterEach(() => close())
  afterAll(() => engine.stop())

  async function key(over: { tenant?: string; expiresAtMs?: number } = {}): Promise<string> {
    const id = newId('key', Date.now())
    const times = { createdAtMs: 1, expiresAtMs: over.expiresAtMs ?? null, revokedAtMs: null }
    const tenant = over.tenant ?? null
    const made = { id, name: 'ops', scope: 'read', tenant, payloads: false, rateLimit: null, ...times } as const
    expect(await store.write('createApiKey', { key: made, hash: bytes(id) })).toBe(true)
    return id
  }

  const start = (holder: Holder, over: object = {}) =>
    store.write('createSession', {
      id: newId('ses', Date.now()),
      hash: bytes('h'),
      holder,
      address: '192.0.2.1',
      userAgent: 'Browser',
      createdAtMs: 10,
      expiresAtMs: FAR_MS,
      link: null,
      person: null,
      max: 3,
      by: BY,
      ...over,
    })
  const list = (over: object = {}) =>
    store.read('listSessions', {
      before: null,
      limit: 9,
      nowMs: 20,
      usedAfterMs: 0,
      rootHash: ROOT_HASH,
      issuerMarks: [],
      ...over,
    })
  const ids = async (over: object = {}) => (await list(over)).map(({ session }) => session.id)

  it('are listed newest first with what their key can do, as long as they have not ended', async () => {
    await aTenant(store, 'acme')
    const id = await key({ tenant: 'acme' })
    const one = await start({ key: id, rootHash: null })
    const two = await start(ROOT, { hash: bytes('h2') })
    expect(one).toMatchObject({ key: id, tenant: 'acme', address: '192.0.2.1', createdAtMs: 10, usedAtMs: 10 })
    expect(await list()).toEqual([
      { session: two, key: null },
      { session: one, key: { id, name: 'ops', scope: 'read', tenant: 'acme', payloads: false } },
    ])
    expect(await ids({ before: two!.id })).toEqual([one!.id])
    expect(await ids({ usedAfterMs: 10 })).toEqual([])
    expect(await ids({ nowMs: FAR_MS })).toEqual([])
    expect(await ids({ rootHash: bytes('another root key') })).toEqual([one!.id])
    expect(await store.write('endSession', { id: two!.id, nowMs: 15, by: BY })).toBe(true)
    expect(await ids()).toEqual([one!.id])
    await store.write('revokeApiKey', { id, nowMs: 16 })
    expect(await ids()).toEqual([])
  })

  it('need a key that exists, was not revoked and has not expired', async () => {
    expect(await start({ key: newId('key', 1), rootHash: null })).toBeNull()
    expect(await start({ key: await key({ expiresAtMs: 10 }), rootHash: null })).toBeNull()
    const revoked = await key()
    await store.write('revokeApiKey', { id: revoked, nowMs: 5 })
    expect(await start({ key: revoked, rootHash: null })).toBeNull()
    expect(
      await store.read('listAudit', { tenant: null, before: null, fromMs: null, toMs: null, limit: 9 }),
    ).not.toEqual(expect.arrayContaining([expect.objectContaining({ target: 'session' })]))
  })

  it('of one key are limited: the one unused for longest ends, and those of other keys do not', async () => {
    const other = await start({ key: await key(), rootHash: null })
    const holder = { key: await key(), rootHash: null } as const
    const made = []
    for (const createdAtMs of [10, 11, 12])
      made.push((await start(holder, { createdAtMs, hash: bytes(`${createdAtMs}`) }))!.id)
    await store.write('useSession', { id: made[0]!, nowMs: 13 })
    const fourth = await start(holder, { createdAtMs: 14, hash: bytes('14') })
    expect(await ids()).toEqual([fourth!.id, made[2], made[0], other!.id])
  })

  it('report what began, ended or was used since a given change', async () => {
    const one = await start(ROOT)
    const changes = (after: number, usedAfterMs = FAR_MS) => store.read('readSessionChanges', { after, usedAfterMs })
    const first = await changes(0)
    expect(first.sessions).toEqual([
      { session: one, hash: expect.any(Uint8Array), rootHash: expect.any(Uint8Array), issuerMark: null },
    ])
    expect(Buffer.from(first.sessions[0]!.rootHash!).toString()).toBe('root')
    expect((await changes(first.seq)).sessions).toEqual([])
    expect((await store.read('readChanges', { after: first.seq })).apiKeys).toBe(false)
    await store.write('useSession', { id: one!.id, nowMs: 50 })
    await store.write('useSession', { id: one!.id, nowMs: 40 })
    expect((await changes(first.seq, 50)).sessions).toMatchObject([{ session: { usedAtMs: 50 } }])
    await store.write('endSession', { id: one!.id, nowMs: 60 })
    expect((await changes(first.seq)).sessions).toMatchObject([{ session: { endedAtMs: 60 } }])
    expect((await store.read('readChanges', { after: first.seq })).apiKeys).toBe(true)
  })

  it('write an audit entry when they begin and when they are ended, once', async () => {
    const one = await start(ROOT)
    for (const nowMs of [15, 16]) expect(await store.write('endSession', { id: one!.id, nowMs, by: BY })).toBe(true)
    expect(await store.write('endSession', { id: newId('ses', 1), nowMs: 17 })).toBe(false)
    const entries = await store.read('listAudit', { tenant: null, before: null, fromMs: null, toMs: null, limit: 9 })
    expect(entries.map(({ action, target, targetId, actor }) => [action, target, targetId, actor])).toEqual([
      ['revoked', 'session', one!.id, BY],
      ['created', 'session', one!.id, BY],
    ])
  })

  it('can be started with a link once, however many try at the same time, and until it expires', async () => {
    const id = await key()
    const link = (hash: string, holder: Holder) =>
      store.write('createSignInLink', { hash: bytes(hash), holder, expiresAtMs: 100 })
    const take = (hash: string, nowMs = 99) => store.write('takeSignInLink', { hash: bytes(hash), nowMs })
    await link('a', { key: id, rootHash: null })
    const taken = await Promise.all(Array.from({ length: 5 }, () => take('a')))
    expect(taken.filter(each => each !== null)).toEqual([{ key: id, rootHash: null }])
    await link('b', ROOT)
    expect(await take('c')).toBeNull()
    expect(await take('b', 100)).toBeNull()
    expect(await take('b')).toBeNull()
    await link('d', ROOT)
    expect(Buffer.from((await take('d'))!.rootHash!).toString()).toBe('root')
  })

  const person = (subject: string, over: object = {}) => ({
    person: { issuer: 'login', subject, name: 'Ada', scope: 'read', payloads: false } as const,
    tenant: null,
    mark: 'm1',
    ...over,
  })
  const startFor = (who: object, hash: string, over: object = {}) =>
    start(null as never, { holder: null, person: who, hash: bytes(hash), ...over })

  it('of people are listed while the settings say the same of their issuer', async () => {
    const issuerMarks = ['m1', 'm2', 'm3']
    const one = await startFor(person('ada'), 'a')
    expect(one).toMatchObject({ key: null, tenant: null, portal: null, person: person('ada').person })
    expect(await list({ issuerMarks })).toEqual([{ session: one, key: null }])
    expect(await ids({ issuerMarks: ['m2'] })).toEqual([])
    expect(await ids()).toEqual([])
    expect(await ids({ issuerMarks, rootHash: bytes('another root key') })).toEqual([one!.id])
    const { sessions } = await store.read('readSessionChanges', { after: 0, usedAfterMs: FAR_MS })
    expect(sessions).toMatchObject([{ session: { person: { subject: 'ada' } }, rootHash: null, issuerMark: 'm1' }])
  })

  it('of one person are limited, apart from those of similar names and of the root key', async () => {
    const issuerMarks = ['m1']
    const root = await start(ROOT, { createdAtMs: 1 })
    const others = [await startFor(person('ad'), 'x', { createdAtMs: 2 }), await startFor(person('ada '), 'y')]
    const made: string[] = []
    for (const createdAtMs of [10, 11, 12, 13])
      made.push((await startFor(person('ada'), `${createdAtMs}`, { createdAtMs }))!.id)
    const expected = [...made.slice(1), root!.id, ...others.map(each => each!.id)]
    expect((await ids({ issuerMarks })).sort()).toEqual(expected.sort())
    for (const createdAtMs of [20, 21, 22]) await start(ROOT, { createdAtMs, hash: bytes(`r${createdAtMs}`) })
    expect((await ids({ issuerMarks })).filter(id => made.includes(id))).toHaveLength(3)
  })

  it('of people who see one tenant need it, and end with it', async () => {
    await aTenant(store, 'acme')
    const issuerMarks = ['m1']
    expect(await startFor(person('ada', { tenant: 'nobody' }), 'n')).toBeNull()
    const [theirs, all] = [await startFor(person('ada', { tenant: 'acme' }), 'a'), await startFor(person('eve'), 'e')]
    expect(theirs).toMatchObject({ tenant: 'acme' })
    await store.write('deleteTenant', { id: 'acme', nowMs: 15 })
    expect(await ids({ issuerMarks })).toEqual([all!.id])
    expect(await startFor(person('ada', { tenant: 'acme' }), 'b')).toBeNull()
  })

  it('can be started with the same sign-in once, however many try at the same time', async () => {
    const take = (hash: string) => store.write('takeSignIn', { hash: bytes(hash), expiresAtMs: 100 })
    const taken = await Promise.all(Array.from({ length: 5 }, () => take('a')))
    expect(taken.filter(Boolean)).toHaveLength(1)
    expect([await take('a'), await take('b')]).toEqual([false, true])
    const isUsed = (hash: string) => store.read('isSignInUsed', { hash: bytes(hash) })
    expect([await isUsed('a'), await isUsed('c')]).toEqual([true, false])
  })

  it('are removed once they have ended', async () => {
    const ended = await start(ROOT, { hash: bytes('1') })
    await store.write('endSession', { id: ended!.id, nowMs: 30 })
    await start(ROOT, { hash: bytes('2'), expiresAtMs: 31 })
    const kept = await start(ROOT, { hash: bytes('3') })
    await store.write('createSignInLink', { hash: bytes('a'), holder: ROOT, expiresAtMs: 31 })
    await store.write('takeSignIn', { hash: bytes('a'), expiresAtMs: 31 })
    expect(await store.write('dropOldSessions', { beforeMs: 32, limit: 9 })).toBe(4)
    expect(await store.write('dropOldSessions', { beforeMs: 32, limit: 9 })).toBe(0)
    const { sessions } = await store.read('readSessionChanges', { after: 0, usedAfterMs: 0 })
    expect(sessions.map(({ session }) => session.id)).toEqual([kept!.id])
  })
})
