import { describe, expect, it } from 'vitest'
import { Publisher } from '../../src/publish/publisher.ts'
import { anInbox } from '../publish/arrivals.ts'
import { PAYLOAD, SECRET, TYPE } from '../services/setup.ts'
import { ENDPOINTS, EVENT, EVENTS, endpoint, idempotentCalls, isReplayed, shown, TENANT } from './idempotent-calls.ts'
import { type Json, refused, useApi } from './setup.ts'

const bench = useApi()
const { post, count, deliver, making } = idempotentCalls(bench)

describe('a response with a secret', () => {
  const calls: [string, () => Promise<{ url: string; body?: unknown }>][] = [
    'createEndpoint',
    'rotateSigningSecret',
    'createApiKey',
  ].map(name => [name, () => making[name]!()])

  it.each(calls)('of %s is stored sealed, and shown for ten minutes', async (_name, prepare) => {
    const { url, body } = await prepare()
    const first = await post(url, body, 'k')
    const secret = first.body.signingSecret ?? first.body.key
    expect(secret).toMatch(/^(whsec|phk)_/)
    const scope = url.startsWith(TENANT) ? 'root/acme' : 'root/'
    const find = () => bench.store.read('findCall', { scope, key: 'k', nowMs: 0 })
    const kept = (await find())!
    expect(kept.sealedUntilMs! - kept.madeMs).toBe(600_000)
    const plain = Buffer.from(kept.response!).toString('latin1')
    for (const part of [secret, first.body.id, 'hooks.example.com']) expect(plain).not.toContain(part)
    expect(shown(await post(url, body, 'k'))).toEqual(shown(first))

    await bench.run('update idempotent_call set sealed_until_ms = 1')
    const late = await post(url, body, 'k')
    expect(refused(late)).toEqual([409, 'already_made', []])
    expect(late.body.made).toBe(first.body.id)
    expect(late.body.detail).toContain(first.body.id)
    expect(late.text).not.toContain(secret)
    expect(refused(await post(url, { name: 'other' }, 'k'))[1]).toBe('idempotency_conflict')
    expect(await bench.store.write('dropSealedResponses', { nowMs: 2, limit: 9 })).toBe(1)
    expect((await find())!.response).toBeNull()
    expect((await post(url, body, 'k')).body).toEqual(late.body)
  })

  it('is bound to its call, and not shown if it cannot be opened', async () => {
    const first = await post(ENDPOINTS, endpoint(), 'k')
    await post(ENDPOINTS, endpoint(), 'l')
    const copy = `update idempotent_call set answer = (select answer from idempotent_call where call_key = 'l') where call_key = 'k'`
    await bench.run(copy)
    const again = await post(ENDPOINTS, endpoint(), 'k')
    expect([...refused(again).slice(0, 2), again.body.made]).toEqual([409, 'already_made', first.body.id])
  })

  it('is kept for a day in clear if the caller chose the secret', async () => {
    const body = { ...endpoint(), signingSecret: `whsec_${Buffer.alloc(24, 'own').toString('base64')}` }
    const first = await post(ENDPOINTS, body, 'k')
    expect(first.body.signingSecret).toBeNull()
    const kept = (await bench.store.read('findCall', { scope: 'root/acme', key: 'k', nowMs: 0 }))!
    expect(kept.sealedUntilMs).toBeNull()
    for (const secret of [body.signingSecret, SECRET]) {
      expect(Buffer.from(kept.response!).toString()).not.toContain(secret)
    }
  })

  it('reveals nothing of the request: its hash depends on the caller’s API key', async () => {
    const { secret: one } = await bench.apiKeys.create({ name: 'one', scope: 'all' })
    const { secret: two, key } = await bench.apiKeys.create({ name: 'two', scope: 'all' })
    await post(EVENTS, EVENT, 'k', { key: one })
    await post(EVENTS, EVENT, 'k', { key: two })
    const keys = await bench.apiKeys.list({ before: null, limit: 9 })
    const hashes = await Promise.all(
      keys.map(({ id }) => bench.store.read('findCall', { scope: `${id}/acme`, key: 'k', nowMs: 0 })),
    )
    expect(new Set(hashes.map(found => Buffer.from(found!.hash).toString('hex'))).size).toBe(2)
    expect(keys.map(({ id }) => id)).toContain(key.id)
  })
})

describe('a call whose process dies between the commit and the response', () => {
  it.each(Object.keys(making))('%s: is answered after the restart, and makes nothing again', async name => {
    const { url, body, count: countMade } = await making[name]!()
    const before = await countMade()
    const { store } = bench
    const [publish, write] = [store.publish.bind(store), store.write.bind(store)]
    const committed = Promise.withResolvers<void>()
    const dying = async <T extends { once?: unknown }, R>(args: T, commit: () => Promise<R>): Promise<R> => {
      const result = await commit()
      if (args.once === undefined) return result
      committed.resolve()
      return new Promise<R>(() => {})
    }
    store.publish = request => dying(request, () => publish(request))
    store.write = ((operation, args) => dying(args as object, () => write(operation, args))) as typeof store.write
    void post(url, body, 'k')
    await committed.promise
    Object.assign(store, { publish, write })
    await bench.useServices({})
    expect(await countMade()).toBe(before + 1)
    const again = await post(url, body, 'k')
    expect([again.status < 300, isReplayed(again), await countMade()]).toEqual([true, true, before + 1])
    if (name === 'createApiKey') expect(again.body.key).toMatch(/^phk_/)
    if (name === 'createEndpoint') expect(again.body.signingSecret).toMatch(/^whsec_/)
    expect(shown(await post(url, body, 'k'))).toEqual(shown(again))
  })
})

describe('publishing with a key and an Idempotency-Key', () => {
  const keyed = `{"key":"order-7","type":"${TYPE}","payload":${PAYLOAD}}`

  it('keeps the two apart', async () => {
    const first = await post(EVENTS, keyed, 'call-1')
    expect(first.body.duplicate).toBeUndefined()
    const second = await post(EVENTS, keyed, 'call-2')
    expect([second.body, isReplayed(second)]).toEqual([{ ...first.body, duplicate: true }, false])
    expect(shown(await post(EVENTS, keyed, 'call-1'))).toEqual(shown(first))
    expect(shown(await post(EVENTS, keyed, 'call-2'))).toEqual(shown(second))
    const batch = await post(EVENTS, `[${keyed},${EVENT}]`, 'call-3')
    expect(batch.body.data).toMatchObject([{ id: first.body.id, duplicate: true }, { key: null }])
    expect(shown(await post(EVENTS, `[${keyed},${EVENT}]`, 'call-3'))).toEqual(shown(batch))
    expect(await count(EVENTS)).toBe(2)
  })

  it('gives the original response even after the inbox has made the deliveries', async () => {
    for (let n = 0; n < 5; n++) await bench.endpoint()
    const publisher = new Publisher(bench.store, {
      maxBatch: 9,
      maxDepth: 64,
      idempotencyDays: 1,
      maxDeliveriesAtOnce: 3,
    })
    await bench.useServices({ publisher })
    const first = await post(EVENTS, keyed, 'k')
    expect(first.body).toMatchObject({ deliveries: null, notSent: null })
    const { inbox } = anInbox(bench, { maxDeliveriesAtOnce: 3 })
    inbox.start()
    await expect.poll(async () => (await bench.list()).length).toBe(5)
    await inbox.stop()
    expect((await bench.post(EVENTS, keyed)).body).toMatchObject({ deliveries: 5, duplicate: true })
    expect(shown(await post(EVENTS, keyed, 'k'))).toEqual(shown(first))
  })

  it('gives the original response even if the type was archived since', async () => {
    const first = await post(EVENTS, EVENT, 'k')
    await bench.types.archive(TYPE)
    expect((await bench.post(EVENTS, EVENT)).status).toBe(409)
    expect(shown(await post(EVENTS, EVENT, 'k'))).toEqual(shown(first))
  })
})

describe('a replay with a key and an Idempotency-Key', () => {
  it('has the response of its call, also if the replay existed already or was only counted', async () => {
    const period = { types: [TYPE], from: '2026-11-28', to: '2026-11-29' }
    for (const [url, selection, none] of [
      [`${TENANT}/replays`, {}, { deliveries: 0 }],
      ['/v1/replays', period, { tenants: 0, deliveries: 0 }],
    ] as const) {
      const named = { ...selection, key: 'r' }
      const dry = { ...selection, dryRun: true }
      const first = await post(url, named, 'one')
      const known = await post(url, named, 'two')
      expect([known.body.id, known.body.duplicate, isReplayed(known)]).toEqual([first.body.id, true, false])
      const counted = await post(url, dry, 'three')
      expect([counted.status, counted.body]).toEqual([200, none])
      for (const [value, body, answer] of [
        ['one', named, first],
        ['two', named, known],
        ['three', dry, counted],
      ] as const) {
        const again = await post(url, body, value)
        expect([shown(again), isReplayed(again)]).toEqual([shown(answer), true])
        expect(refused(await post(url, { ...selection, key: 'other' }, value))[1]).toBe('idempotency_conflict')
      }
      expect(await count(url)).toBe(1)
    }
  })
})

describe('a retry with an Idempotency-Key', () => {
  it('that made a pending delivery due makes no new one after that has ended', async () => {
    await bench.endpoint()
    await bench.publishOne()
    const [{ id }] = (await bench.list('pending')) as [Json]
    const first = await post(`${TENANT}/deliveries/${id}/retry`, undefined, 'k')
    expect([first.status, first.body.id]).toEqual([200, id])
    await deliver()
    const again = await post(`${TENANT}/deliveries/${id}/retry`, undefined, 'k')
    expect([shown(again), isReplayed(again)]).toEqual([shown(first), true])
    expect(await count(`${TENANT}/deliveries`)).toBe(1)
    expect((await bench.post(`${TENANT}/deliveries/${id}/retry`)).status).toBe(201)
  })
})
