import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ApiBench, KEY } from '../../server/test/api/setup.ts'
import { PAYLOAD, TYPE } from '../../server/test/services/setup.ts'
import { ApiError, ConnectionError, type Event, type Fetch, Posthorn, Publisher, VERSION } from '../src/index.ts'

const bench = new ApiBench()
let url: string
let posthorn: Posthorn
const event = { type: TYPE, payload: JSON.parse(PAYLOAD) }
const endpoint = { url: 'https://hooks.example.com/covers', clientSecret: 'c2VjcmV0LXRva2VuLXdpdGgtcGFkZGluZw==' }

beforeAll(async () => {
  await bench.openApi()
  url = await bench.api.listen({ host: '127.0.0.1', port: 0 })
  posthorn = new Posthorn({ url, apiKey: KEY })
  await posthorn.tenants.put('acme', { name: 'Acme Ltd' })
})
afterAll(() => bench.closeApi())

const failureOf = (work: Promise<unknown>): Promise<ApiError> =>
  work.then(
    () => Promise.reject(new Error('The call succeeded')),
    error => error,
  )

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = []
  for await (const item of items) found.push(item)
  return found
}

/** Sends requests, and loses the responses to the first ones, as if the connection had failed. */
function losing(count: number): Fetch {
  return async (target, init) => {
    const response = await fetch(target, init)
    if (count-- <= 0) return response
    await response.arrayBuffer()
    throw new TypeError('fetch failed')
  }
}

describe('the client, at a real server', () => {
  it('publishes one event or several, and reads them back with what was sent', async () => {
    const one = await posthorn.events.publish('acme', { ...event, key: 'order-7' })
    const { data } = await posthorn.events.publish('acme', [event, { ...event, key: 'order-7' }])
    expect(data.map(({ duplicate }) => duplicate)).toEqual([undefined, true])
    expect(data[1]!.id).toBe(one.id)
    const read = await posthorn.events.get('acme', one.id)
    expect(read).toMatchObject({ key: 'order-7', payload: event.payload, type: TYPE })
    const { data: found, counts } = await posthorn.events.list('acme', {
      key: 'order-7',
      type: [TYPE, 'ANY'],
      counts: true,
    })
    expect([found.map(({ id }) => id), counts]).toEqual([[one.id], { total: 1 }])
    const since = await posthorn.events.list('acme', { from: new Date(Date.now() + 60_000) })
    expect(since.data).toEqual([])
  })

  it('iterates over all pages in both directions, as the server orders them', async () => {
    await posthorn.tenants.put('pages', {})
    await posthorn.events.publish(
      'pages',
      Array.from({ length: 7 }, () => event),
    )
    const idsOf = (events: readonly Event[]) => events.map(({ id }) => id)
    const { data } = await posthorn.events.list('pages')
    expect(data).toHaveLength(7)
    expect(idsOf(await all(posthorn.events.list('pages', { limit: 3 })))).toEqual(idsOf(data))
    const pages = await all(posthorn.events.list('pages', { limit: 3 }).pages())
    expect(pages.map(page => page.data.length)).toEqual([3, 3, 1])
    const last = posthorn.events.list('pages', { limit: 3, cursor: pages[1]!.nextCursor! })
    expect(idsOf(await all(last.items('prev')))).toEqual(idsOf(data).toReversed())
  })

  it('makes an endpoint once, although the response to the first attempt is lost', async () => {
    const flaky = new Posthorn({ url, apiKey: KEY, fetch: losing(1) })
    const made = await flaky.endpoints.create('acme', { ...endpoint, uid: 'once' })
    expect(made.signingSecret).toMatch(/^whsec_/)
    const { data } = await posthorn.endpoints.list('acme', { url: endpoint.url })
    expect(data.map(({ id }) => id)).toEqual([made.id])
    const updated = await posthorn.endpoints.update('acme', 'once', { description: 'Covers' })
    expect(updated.description).toBe('Covers')
    expect((await posthorn.endpoints.disable('acme', 'once')).state).toBe('disabled')
    expect((await posthorn.endpoints.enable('acme', 'once', { held: 'cancel' })).state).toBe('enabled')
    expect(await posthorn.endpoints.delete('acme', 'once')).toBeUndefined()
  })

  it('does not repeat what might then be done twice, and says that the connection failed', async () => {
    const flaky = new Posthorn({ url, apiKey: KEY, fetch: losing(1) })
    expect(await failureOf(flaky.tenants.put('lost', {}))).toBeInstanceOf(ConnectionError)
    expect((await posthorn.tenants.get('lost')).id).toBe('lost')
  })

  it('throws what the server refuses as an error with its code and fields', async () => {
    const invalid = await failureOf(posthorn.endpoints.create('acme', { ...endpoint, clientSecret: 'not a token' }))
    expect(invalid).toBeInstanceOf(ApiError)
    expect(invalid).toMatchObject({ code: 'invalid', status: 422, fields: [{ field: '/clientSecret', position: 3 }] })
    expect(await failureOf(posthorn.tenants.get('nowhere'))).toMatchObject({ code: 'not_found', status: 404 })
    const stranger = new Posthorn({ url, apiKey: 'wrong-key' })
    expect(await failureOf(stranger.tenants.list().then())).toMatchObject({ code: 'unauthorized', status: 401 })
    const twice = { idempotencyKey: 'the-same' }
    await posthorn.events.publish('acme', event, twice)
    const conflict = await failureOf(posthorn.events.publish('acme', [event], twice))
    expect(conflict).toMatchObject({ code: 'idempotency_conflict', status: 409 })
  })

  it('learns the version of the server, and has both in the error about a path that it does not know', async () => {
    const { data } = await posthorn.tenants.list()
    expect(data.length).toBeGreaterThan(0)
    const next = new Posthorn({
      url,
      apiKey: KEY,
      fetch: (target, init) => fetch(target.replace('/v1/', '/v1/phases/'), init),
    })
    const error = await failureOf(next.eventTypes.list().then())
    expect(error).toMatchObject({ code: 'not_found', serverVersion: '0.0.0-test', field: '' })
    expect(error.message).toContain(`This client is version ${VERSION}, the server 0.0.0-test.`)
    expect(error.message).toContain('upgrade the server')
    const unknown = await failureOf(posthorn.tenants.put('acme', { phase: 'new' } as object))
    expect(unknown).toMatchObject({ code: 'invalid', field: '/phase', message: expect.stringContaining('0.0.0-test') })
  })

  it('says so if nothing listens at the URL', async () => {
    const nowhere = new Posthorn({ url: 'http://127.0.0.1:1', apiKey: KEY, maxRetries: 0 })
    expect(await failureOf(nowhere.health.get())).toMatchObject({ code: 'connection_failed', status: null })
  })

  it('reads an export line by line, metrics as text, and what needs no key without one', async () => {
    const kinds = (await all(posthorn.tenants.export('pages'))).map(line => (line as { kind: string }).kind)
    expect([kinds.at(0), kinds.at(-1)]).toEqual(['export', 'end'])
    expect(kinds.filter(kind => kind === 'event')).toHaveLength(7)
    expect(await posthorn.health.getMetrics()).toContain('# HELP')
    const open = new Posthorn({ url })
    expect(await open.egress.getPublic()).toEqual({ addresses: ['192.0.2.1'] })
    expect((await open.health.getOpenApi()).openapi).toBe('3.1.0')
  })

  it('sends ids as they are, and refuses those that would lead to another path', async () => {
    for (const id of ['a/b', 'ü?x=1', '%2e%2e', 'a#b']) {
      expect(await failureOf(posthorn.tenants.get(id))).toMatchObject({ code: 'not_found' })
    }
    expect(await failureOf(posthorn.tenants.delete('..'))).toBeInstanceOf(TypeError)
    expect(await failureOf(posthorn.endpoints.list('').then())).toBeInstanceOf(TypeError)
    expect(await failureOf(posthorn.tenants.export('.').next())).toBeInstanceOf(TypeError)
  })
})

describe('a publisher, at a real server', () => {
  const coverId = (n: number) => `564200aa-7128-4a26-83a8-${n.toString(16).padStart(12, '0')}`
  const range = (count: number) => Array.from({ length: count }, (_item, n) => n)
  const storedOf = async (tenant: string) => {
    const events = await all(posthorn.events.list(tenant, { limit: 1_000 }))
    return events.map(({ payload }) => (payload as { CoverId: string }).CoverId).toReversed()
  }

  it('stores all events but those that are refused, in their order, and names what is wrong with each', async () => {
    await posthorn.tenants.put('batches', {})
    await posthorn.eventTypes.put('OLD', {
      group: 'g',
      description: 'd',
      schema: { type: 'object', required: ['id'] },
      example: { id: 1 },
    })
    await posthorn.eventTypes.archive('OLD')
    const publisher = new Publisher(posthorn, { tenant: 'batches', maxBatch: 50 })
    const publish = (n: number): Promise<unknown> => {
      if (n === 20) return publisher.publish(TYPE, { CoverId: 'none' })
      if (n === 21) return publisher.publish('NOWHERE', {})
      if (n === 22) return publisher.publish('OLD', { id: 1 })
      if (n === 23) return publisher.publish(TYPE, { CoverId: coverId(n) }, { key: ' spaced' })
      if (n === 90) return publisher.publish(TYPE, { CoverId: coverId(0) }, { key: 'k91' })
      if (n === 91) return publisher.publish(TYPE, { CoverId: coverId(n) }, { key: 'k91' })
      return publisher.publish(TYPE, { CoverId: coverId(n) })
    }
    const bad = [20, 21, 22, 23, 91]
    const results = await Promise.all(range(200).map(n => publish(n).catch(error => error)))
    await publisher.close()
    expect(results.flatMap((result, n) => (result instanceof Error ? [n] : []))).toEqual(bad)
    expect(bad.map(n => results[n] as ApiError).map(({ code, field }) => [code, field])).toEqual([
      ['invalid', '/payload/CoverId'],
      ['invalid', '/type'],
      ['event_type_archived', '/type'],
      ['invalid', '/key'],
      ['idempotency_conflict', '/key'],
    ])
    const good = range(200).filter(n => !bad.includes(n))
    expect(await storedOf('batches')).toEqual(good.map(n => coverId(n === 90 ? 0 : n)))
  })

  it('finds what a call can hold, by number, by size, and by how deep a payload is nested', async () => {
    const small = new ApiBench()
    await small.openApi({}, { maxBodyBytes: 20_000 })
    const at = new Posthorn({ url: await small.api.listen({ host: '127.0.0.1', port: 0 }), apiKey: KEY })
    await at.tenants.put('acme', {})
    const publisher = new Publisher(at, { tenant: 'acme' })
    const payloadOf = (n: number) => {
      if (n === 7) return { CoverId: coverId(n), note: 'x'.repeat(30_000) }
      return n === 9
        ? { CoverId: coverId(n), note: JSON.parse(`${'['.repeat(80)}${']'.repeat(80)}`) }
        : { CoverId: coverId(n) }
    }
    const results = await Promise.all(
      range(1_200).map(n => publisher.publish(TYPE, payloadOf(n)).catch(error => error)),
    )
    await publisher.close()
    const failed = results.flatMap((result, n) => (result instanceof Error ? [[n, (result as ApiError).code]] : []))
    expect(failed).toEqual([
      [7, 'body_too_large'],
      [9, 'bad_json'],
    ])
    expect(await all(at.events.list('acme', { limit: 1_000 }))).toHaveLength(1_198)
    await small.closeApi()
  })

  it('loses and doubles nothing if responses are lost', async () => {
    await posthorn.tenants.put('lossy', {})
    const lossy = new Posthorn({ url, apiKey: KEY, fetch: losing(3) })
    await using publisher = new Publisher(lossy, { tenant: 'lossy', maxBatch: 10 })
    await Promise.all(range(40).map(n => publisher.publish(TYPE, { CoverId: coverId(n) })))
    expect(await storedOf('lossy')).toEqual(range(40).map(coverId))
  })
})
