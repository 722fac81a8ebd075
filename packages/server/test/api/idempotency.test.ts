import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Publisher } from '../../src/publish/publisher.ts'
import { StoreUnavailable } from '../../src/store/transaction.ts'
import { PAYLOAD, SECRET, TYPE } from '../services/setup.ts'
import { ENDPOINTS, EVENT, EVENTS, endpoint, idempotentCalls, isReplayed, shown, TENANT } from './idempotent-calls.ts'
import { type Json, KEY, refused, useApi } from './setup.ts'

const bench = useApi()
const { post, count, making } = idempotentCalls(bench)

/** Calls that change something that exists: repeating one has no further effect, so the header is ignored. */
const CHANGING = [
  // The first answer counts.
  'answerRequest',
  'archiveEventType',
  'cancelDelivery',
  'cancelReplay',
  'cancelReplayBatch',
  // Stores nothing.
  'checkEndpoint',
  // A second link does no harm: it ends by itself.
  'createPortalLink',
  // A tenant has one to an address.
  'createNotification',
  'createSignInLink',
  'disableEndpoint',
  'enableEndpoint',
  'eraseTenant',
  // Only the first time has an effect.
  'followNotificationLink',
  'pauseReplay',
  'pauseReplayBatch',
  // Bounded by the day.
  'requestConfirmation',
  'resumeReplay',
  'resumeReplayBatch',
  // A delivery that is pending, or was retried, is not retried again.
  'retryAllMatchingDeliveries',
  'retryMatchingDeliveries',
  // These have no key yet to repeat the call under.
  'beginSingleSignOn',
  'redeemPortalLink',
  'signIn',
  // Bounded by the hour.
  'testNotification',
  // Ends the session.
  'signOutEverywhere',
  'tryFilter',
  'unarchiveEventType',
]

describe('an Idempotency-Key', () => {
  it('is documented for every call that makes something, and for no other', () => {
    const operations = Object.values(bench.document.paths).flatMap((path: Json) =>
      Object.entries(path).map(([method, operation]) => [method, operation] as [string, Json]),
    )
    const takes = operations.filter(([, { parameters = [] }]) =>
      parameters.some((each: Json) => each.in === 'header' && each.name === 'Idempotency-Key'),
    )
    expect(takes.map(([, { operationId }]) => operationId).sort()).toEqual(Object.keys(making).sort())
    const posts = operations.filter(([method]) => method === 'post').map(([, { operationId }]) => operationId)
    const known = [...Object.keys(making), ...CHANGING]
    expect(posts.filter(id => !known.includes(id))).toEqual([])
    expect(takes.every(([method]) => method === 'post')).toBe(true)
  })

  it.each(Object.keys(making))('lets %s make one thing, and gives the same call the same response', async name => {
    const { url, body, other, count } = await making[name]!()
    const before = await count()
    const first = await post(url, body, 'k')
    expect([first.status, first.text.slice(0, 300)]).toEqual([expect.toBeOneOf([201, 202]), expect.any(String)])
    expect(isReplayed(first)).toBe(false)
    const made = await count()
    expect(made).toBe(before + 1)
    for (let n = 0; n < 2; n++) {
      const again = await post(url, body, 'k')
      expect(shown(again)).toEqual(shown(first))
      expect(isReplayed(again)).toBe(true)
    }
    expect(refused(await post(url, other, 'k'))).toEqual([409, 'idempotency_conflict', ['Idempotency-Key']])
    expect(await count()).toBe(made)
  })

  it('means the same bytes: anything else is a conflict, even if it is not valid', async () => {
    await post(EVENTS, EVENT, 'k')
    const conflict = [409, 'idempotency_conflict', ['Idempotency-Key']]
    expect(refused(await post(EVENTS, ` ${EVENT}`, 'k'))).toEqual(conflict)
    expect(refused(await post(EVENTS, '{', 'k'))).toEqual(conflict)
    expect(refused(await post(`${EVENTS}?x=1`, EVENT, 'k'))).toEqual(conflict)
    expect(refused(await post('/v1/tenants/%61cme/events', EVENT, 'k'))).toEqual(conflict)
    expect(refused(await post(ENDPOINTS, endpoint(), 'k'))).toEqual(conflict)
    expect(refused(await post(ENDPOINTS, { nonsense: true }, 'k'))).toEqual(conflict)
    expect(refused(await post(`${TENANT}/replays`, undefined, 'k'))).toEqual(conflict)
    expect([await count(EVENTS), await count(ENDPOINTS)]).toEqual([1, 0])
  })

  it('belongs to an API key and a tenant', async () => {
    await bench.tenants.put('beta', {})
    const { secret: one } = await bench.apiKeys.create({ name: 'one', scope: 'all' })
    const { secret: two } = await bench.apiKeys.create({ name: 'two', scope: 'publish', tenant: 'acme' })
    const answers = [
      await post(EVENTS, EVENT, 'k'),
      await post(EVENTS, EVENT, 'k', { key: one }),
      await post(EVENTS, EVENT, 'k', { key: two }),
      await post('/v1/tenants/beta/events', EVENT, 'k'),
      await post('/v1/tenants/beta/events', EVENT, 'k', { key: one }),
      await post('/v1/api-keys', { name: 'three', scope: 'all' }, 'k', { key: one }),
    ]
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 202, 202, 201])
    expect(answers.map(isReplayed)).toEqual(answers.map(() => false))
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(6)
    expect(isReplayed(await post(EVENTS, EVENT, 'k', { key: two }))).toBe(true)
    expect((await post('/v1/tenants/beta/events', EVENT, 'k', { key: two })).status).toBe(403)
  })

  it('is freed by a refusal, whatever it is refused for', async () => {
    const keyed = `{"key":"a","type":"${TYPE}","payload":${PAYLOAD}}`
    await bench.post(EVENTS, keyed)
    expect((await post(ENDPOINTS, { url: 'nonsense' }, 'k')).status).toBe(422)
    expect((await post(`${ENDPOINTS}/ep_x/test`, undefined, 'k')).status).toBe(404)
    expect((await post(ENDPOINTS, '{', 'k')).status).toBe(400)
    const { body: taken } = await bench.post(ENDPOINTS, { ...endpoint(), uid: 'taken' })
    expect(refused(await post(ENDPOINTS, { ...endpoint(), uid: 'taken' }, 'k'))).toEqual([409, 'conflict', ['/uid']])
    expect((await bench.remove(`${ENDPOINTS}/${taken.id}`)).status).toBe(204)
    const other = keyed.replace(PAYLOAD, PAYLOAD.replace(':', ': '))
    expect(refused(await post(EVENTS, other, 'k'))).toEqual([409, 'idempotency_conflict', ['/key']])
    const { secret: reader } = await bench.apiKeys.create({ name: 'r', scope: 'read' })
    expect((await post(EVENTS, EVENT, 'k', { key: reader })).status).toBe(403)
    expect(await bench.store.read('findCall', { scope: 'root/acme', key: 'k', nowMs: 0 })).toBeNull()
    expect((await post(ENDPOINTS, endpoint(), 'k')).status).toBe(201)
    expect(await count(ENDPOINTS)).toBe(1)
  })

  it('is freed by a fault of the server', async () => {
    const { endpoints } = bench
    let fault: Error | undefined = new Error('broken')
    const create: typeof endpoints.create = (...args) =>
      fault === undefined ? endpoints.create(...args) : Promise.reject(fault)
    const failing = new Proxy(endpoints, {
      get: (target, name) => (name === 'create' ? create : (target as Json)[name].bind(target)),
    })
    await bench.useServices({ endpoints: failing })
    expect((await post(ENDPOINTS, endpoint(), 'k')).status).toBe(500)
    fault = new StoreUnavailable('gone')
    expect((await post(ENDPOINTS, endpoint(), 'k')).status).toBe(503)
    fault = undefined
    const first = await post(ENDPOINTS, endpoint('b'), 'k')
    expect([first.status, isReplayed(first)]).toEqual([201, false])
  })

  it('is ignored by calls that make nothing', async () => {
    const id = await bench.endpoint()
    for (const action of ['disable', 'enable', 'disable']) {
      const answer = await post(`${ENDPOINTS}/${id}/${action}`, undefined, 'k')
      expect([answer.status, isReplayed(answer)]).toEqual([200, false])
    }
    const headers = { 'idempotency-key': 'k' }
    expect((await bench.put('/v1/tenants/beta', {}, { headers })).status).toBe(201)
    expect((await bench.get(`${ENDPOINTS}/${id}`, { headers })).status).toBe(200)
    expect((await bench.remove(`${ENDPOINTS}/${id}`, { headers })).status).toBe(204)
  })

  it.each([
    ['', undefined],
    ['x'.repeat(256), undefined],
    ['a b', 1],
    ['é', 0],
    ['a\tb', 1],
  ])('that is not 1 to 255 visible ASCII characters is refused: %j', async (value, position) => {
    const answer = await post(EVENTS, EVENT, value)
    expect(refused(answer)).toEqual([422, 'invalid', ['Idempotency-Key']])
    expect(answer.body.errors[0].position).toBe(position)
    expect(answer.body.detail).toMatch(/^Idempotency-Key: The value /)
    expect(await count(EVENTS)).toBe(0)
  })

  it('of 255 characters of any visible kind is taken, and compared byte for byte', async () => {
    const value = `"~!#$%&'()*+,-./:;<=>?@[\\]^_\`{|}`.padEnd(255, 'x')
    const first = await post(EVENTS, EVENT, value)
    expect(isReplayed(await post(EVENTS, EVENT, value))).toBe(true)
    expect(first.status).toBe(202)
    expect(isReplayed(await post(EVENTS, EVENT, value.toUpperCase()))).toBe(false)
  })

  it('expires after 24 hours', async () => {
    await post(EVENTS, EVENT, 'k')
    const { expiresMs, madeMs } = (await bench.store.read('findCall', { scope: 'root/acme', key: 'k', nowMs: 0 }))!
    expect(expiresMs - madeMs).toBe(86_400_000)
    await bench.run('update idempotent_call set expires_ms = 1')
    const other = await post(EVENTS, `[${EVENT}]`, 'k')
    expect([other.status, isReplayed(other), await count(EVENTS)]).toEqual([202, false, 2])
    expect(isReplayed(await post(EVENTS, `[${EVENT}]`, 'k'))).toBe(true)
  })

  it('does not outlive its tenant’s erasure', async () => {
    await post(ENDPOINTS, endpoint(), 'k')
    await bench.tenants.erase('acme')
    for (const isLast of [false, true])
      while ((await bench.store.write('eraseSome', { tenant: 'acme', isLast, limit: 9 })) > 0);
    await bench.store.write('finishErasure', { tenant: 'acme', nowMs: 1 })
    expect((await post(ENDPOINTS, endpoint(), 'k')).status).toBe(404)
    await bench.tenants.put('acme', {})
    expect(isReplayed(await post(ENDPOINTS, endpoint(), 'k'))).toBe(false)
  })

  it('does not outlive its tenant, though one with the same id is created again', async () => {
    await bench.tenants.put('beta', {})
    const { secret: all } = await bench.apiKeys.create({ name: 'all', scope: 'all' })
    const [first, ofKey] = [
      await post(ENDPOINTS, endpoint(), 'k'),
      await post(ENDPOINTS, endpoint(), 'k', { key: all }),
    ]
    await post('/v1/tenants/beta/endpoints', endpoint(), 'k')
    expect((await bench.remove(TENANT)).status).toBe(204)
    expect((await post(ENDPOINTS, endpoint(), 'k')).status).toBe(404)
    await bench.put(TENANT, {})
    for (const [before, sent] of [
      [first, {}],
      [ofKey, { key: all }],
    ] as const) {
      const again = await post(ENDPOINTS, endpoint(), 'k', sent)
      expect([again.status, isReplayed(again)]).toEqual([201, false])
      expect(again.body.id).not.toBe(before.body.id)
      expect((await bench.get(`${ENDPOINTS}/${again.body.id}`)).status).toBe(200)
    }
    expect(isReplayed(await post('/v1/tenants/beta/endpoints', endpoint(), 'k'))).toBe(true)
  })

  it('twice in a request is refused', async () => {
    await bench.api.listen({ port: 0, host: '127.0.0.1' })
    const socket = connect((bench.api.server.address() as AddressInfo).port, '127.0.0.1')
    socket.write(
      `POST ${EVENTS} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${KEY}\r\ncontent-type: application/json\r\n` +
        `Idempotency-Key: k\r\nidempotency-key: k\r\nconnection: close\r\ncontent-length: ${EVENT.length}\r\n\r\n${EVENT}`,
    )
    const answer = await text(socket)
    expect(answer).toMatch(/^HTTP\/1.1 400 /)
    expect(answer).toContain('more than one Idempotency-Key')
    expect(await count(EVENTS)).toBe(0)
  })

  it('for a tenant id that none can have is not found', async () => {
    for (const tenant of ['a%00b', '%ff', 'x'.repeat(1_000)]) {
      expect([400, 404]).toContain((await post(`/v1/tenants/${tenant}/events`, EVENT, 'k')).status)
    }
  })
})

describe('a call in flight', () => {
  /** Publishing waits until it is released. */
  async function held() {
    const started = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    const { publisher } = bench
    const publish: Publisher['publish'] = async (...args) => {
      started.resolve()
      await release.promise
      return publisher.publish(...args)
    }
    await bench.useServices({ publisher: { publish, publishTest: (...args) => publisher.publishTest(...args) } })
    return { started: started.promise, release: release.resolve }
  }

  it('is reported, and can be repeated once it has its response', async () => {
    const { started, release } = await held()
    const first = post(EVENTS, EVENT, 'k')
    await started
    const second = await post(EVENTS, EVENT, 'k')
    expect(refused(second)).toEqual([409, 'call_in_flight', []])
    expect(second.headers['retry-after']).toBe('1')
    expect(refused(await post(EVENTS, `[${EVENT}]`, 'k'))).toEqual([409, 'idempotency_conflict', ['Idempotency-Key']])
    expect((await post(ENDPOINTS, endpoint(), 'l')).status).toBe(201)
    release()
    expect((await first).status).toBe(202)
    expect(shown(await post(EVENTS, EVENT, 'k'))).toEqual(shown(await first))
    expect(await count(EVENTS)).toBe(1)
  })

  it('goes on if its client disconnects, and is not in flight for ever', async () => {
    const { started, release } = await held()
    await bench.api.listen({ port: 0, host: '127.0.0.1' })
    const socket = connect((bench.api.server.address() as AddressInfo).port, '127.0.0.1')
    socket.write(
      `POST ${EVENTS} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${KEY}\r\ncontent-type: application/json\r\n` +
        `idempotency-key: k\r\ncontent-length: ${EVENT.length}\r\n\r\n${EVENT}`,
    )
    await started
    socket.destroy()
    await once(socket, 'close')
    expect((await post(EVENTS, EVENT, 'k')).status).toBe(409)
    release()
    await expect.poll(async () => (await post(EVENTS, EVENT, 'k')).status).toBe(202)
    const again = await post(EVENTS, EVENT, 'k')
    expect([isReplayed(again), await count(EVENTS)]).toEqual([true, 1])
  })

  it('of many at the same moment is the only one that makes something', async () => {
    for (const [url, body] of [
      [EVENTS, EVENT],
      [ENDPOINTS, endpoint()],
    ] as const) {
      const answers = await Promise.all(Array.from({ length: 20 }, () => post(url, body, 'k2')))
      const made = answers.filter(answer => answer.status < 300 && !isReplayed(answer))
      expect([made.length, url]).toEqual([1, url])
      await bench.run('delete from idempotent_call')
    }
    expect([await count(EVENTS), await count(ENDPOINTS)]).toEqual([1, 1])
  })
})

it('whatever calls are made, each makes its thing once, and is answered as a model says', async () => {
  const bodies = [endpoint('a'), endpoint('b'), { url: 'nonsense', clientSecret: SECRET }]
  const step = fc.record({ value: fc.constantFrom('k', 'l'), body: fc.nat({ max: 2 }), tenant: fc.nat({ max: 1 }) })
  const tenants = ['acme', 'beta']
  await bench.tenants.put('beta', {})
  let run = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 8 }), async steps => {
      run++
      const model = new Map<string, { body: number; text: string }>()
      for (const { value, body, tenant } of steps) {
        const name = `${run}-${value}`
        const answer = await post(`/v1/tenants/${tenants[tenant]}/endpoints`, bodies[body], name)
        const known = model.get(`${tenant} ${name}`)
        if (known !== undefined) {
          if (known.body === body) expect([answer.status, answer.text]).toEqual([201, known.text])
          else expect(answer.body.code).toBe('idempotency_conflict')
        } else if (body === 2) expect(answer.status).toBe(422)
        else {
          expect([answer.status, isReplayed(answer)]).toEqual([201, false])
          model.set(`${tenant} ${name}`, { body, text: answer.text })
        }
      }
      const made = [...model.values()].map(({ text }) => JSON.parse(text).id)
      expect(new Set(made).size).toBe(made.length)
    }),
    { numRuns: 25 },
  )
})
