/** An installation with things of every kind that an upgrade must keep, made and used through the API. */
import { type Authority, type Receiver, startReceiver } from '@posthorn/testkit'
import type { Api, Reading } from './reading.ts'

export const TENANT = 'acme'

/** Flags that keep it still, so that it can be compared: a retry is an hour away, and a replay lasts for minutes. */
export const STILL_FLAGS = ['--retry-schedule', '3600', '--replay-per-second', '1']

const SECRET = Buffer.from('upgrade').toString('base64')
const EVENT_TYPE = 'GRADE_CHANGED'
const EVENTS = 30
const CALL = { method: 'POST', path: `/v1/tenants/${TENANT}/endpoints`, headers: { 'idempotency-key': 'once' } }
const WAIT = { timeoutMs: 20_000 }

type Call = {
  readonly method: string
  readonly path: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** Default: the root key. */
  readonly apiKey?: string | null
}

export class Installation {
  readonly #receiver: Receiver
  #failing = true
  #key = ''
  #cookie = ''
  #session: Reading | undefined
  #once: Reading | undefined
  #endpoints: Readonly<Record<'late' | 'held' | 'ordered', string>> = { late: '', held: '', ordered: '' }

  private constructor(receiver: Receiver) {
    this.#receiver = receiver
  }

  static async create(api: Api, authority: Authority): Promise<Installation> {
    const script = ({ path }: { readonly path: string }) => ({
      status: path === '/late' && installation.#failing ? 500 : 204,
    })
    const installation = new Installation(await startReceiver({ authority, names: ['localhost'], script }))
    try {
      await installation.#fill(api)
      return installation
    } catch (error) {
      await installation.close()
      throw error
    }
  }

  close(): Promise<void> {
    return this.#receiver.close()
  }

  async #fill(api: Api): Promise<void> {
    const put = (path: string, body: object) => mustCall(api, { method: 'PUT', path: `/v1/${path}`, body })
    const post = (path: string, body: object) => mustCall(api, { method: 'POST', path: `/v1/${path}`, body })
    const properties = { student: { type: 'string' }, grade: { type: 'number' } }
    const type = { group: 'School', description: 'A grade has changed.', example: { student: 'ada', grade: 1 } }
    await put(`event-types/${EVENT_TYPE}`, { ...type, schema: { type: 'object', properties, required: ['student'] } })
    // A second version of the schema.
    await put(`event-types/${EVENT_TYPE}`, {
      ...type,
      schema: { type: 'object', properties: { ...properties, note: { type: 'string' } }, required: ['student'] },
    })
    await put('event-types/RETIRED', { ...type, schema: { type: 'object', properties, required: ['student'] } })
    await mustCall(api, { method: 'POST', path: '/v1/event-types/RETIRED/archive' })
    await put(`tenants/${TENANT}`, { name: 'Acme', metadata: { plan: 'pro' }, retention: { days: 90 } })
    await put('portal', {
      name: 'Acme',
      accent: '#2f4bc3',
      accentDark: '#95b1fe',
      hiddenPages: ['events'],
      publicTypes: true,
    })
    await this.#createEndpoints(api)
    const { token } = await mustCall<{ token: string }>(api, {
      method: 'POST',
      path: '/v1/api-keys',
      body: { name: 'shop', scope: 'publish', tenant: TENANT },
    })
    this.#key = token
    this.#once = await call(api, { ...CALL, body: listener('made-once') })
    await this.#signIn(api)
    for (let number = 0; number < EVENTS; number++) await publish(api, number)
    await this.#receiver.waitFor(({ requests }) => countAt(requests, '/ok') === EVENTS, WAIT)
    await this.#receiver.waitFor(({ requests }) => countAt(requests, '/ordered') === EVENTS, WAIT)
    await this.#receiver.waitFor(({ requests }) => countAt(requests, '/late') > 0, WAIT)
    // The replay is paused before it has made all of its deliveries.
    await post(`tenants/${TENANT}/replays`, { key: 'of-may', states: ['delivered'], endpoint: this.#endpoints.ordered })
    await mustCall(api, { method: 'POST', path: `/v1/tenants/${TENANT}/replays/of-may/pause` })
  }

  async #createEndpoints(api: Api): Promise<void> {
    const create = async (uid: string, more: object = {}) => {
      const body = { uid, url: `${this.#receiver.url}/${uid}`, clientSecret: SECRET, types: [EVENT_TYPE], ...more }
      return (await mustCall<{ id: string }>(api, { ...CALL, headers: {}, body })).id
    }
    await create('ok', {
      headers: { 'X-Region': 'eu', 'X-Api-Key': 'b3J3ZWxs' },
      filter: { student: { $exists: true } },
    })
    const ordered = await create('ordered', { ordered: true, rateLimit: { requests: 1_000, perSeconds: 1 } })
    const late = await create('late', { schedule: [3_600] })
    const held = await create('held', { name: 'Held', metadata: { a: 'b' } })
    await mustCall(api, { method: 'POST', path: `/v1/tenants/${TENANT}/endpoints/${held}/disable` })
    this.#endpoints = { late, held, ordered }
  }

  async #signIn(api: Api): Promise<void> {
    const body = { user: 'ada@acme.example', may: ['look', 'retry'] }
    const path = `/v1/tenants/${TENANT}/portal-links`
    const { url } = await mustCall<{ url: string }>(api, { method: 'POST', path, body })
    const response = await send(api, {
      method: 'POST',
      path: '/portal/v1/portal-session',
      body: { token: url.split('#token=')[1] },
      headers: asBrowser(api),
      apiKey: null,
    })
    if (!response.ok) throw new Error(`The portal's link returned ${response.status}: ${await response.text()}`)
    this.#cookie = response.headers.get('set-cookie')!.split(';')[0]!
    this.#session = await this.#readSession(api)
  }

  #readSession(api: Api): Promise<Reading> {
    const headers = { ...asBrowser(api), cookie: this.#cookie }
    return call(api, { method: 'GET', path: '/portal/v1/portal-session', headers, apiKey: null })
  }

  /** Uses what the old version made, on the new one. Returns a line for everything that doesn't do what it did. */
  async use(api: Api): Promise<string[]> {
    const faults: string[] = []
    const expectSame = (what: string, found: unknown, wanted: unknown) => {
      if (JSON.stringify(found) !== JSON.stringify(wanted)) {
        faults.push(`${what}: ${JSON.stringify(wanted)} → ${JSON.stringify(found)}`)
      }
    }
    const idOf = ({ body }: Reading) => (body as { id?: string }).id
    const session = await this.#readSession(api)
    expectSame("a portal's session", [session.status, idOf(session)], [this.#session!.status, idOf(this.#session!)])
    const repeated = await call(api, { ...CALL, body: listener('made-once') })
    expectSame('a call repeated with its Idempotency-Key', repeated, this.#once)
    const known = await call(api, eventCall(0, this.#key))
    expectSame('an event published twice', (known.body as { duplicate?: boolean }).duplicate, true)
    this.#failing = false
    await this.#useDeliveries(api)
    const { requests } = this.#receiver
    // One more was published after the endpoint was enabled.
    expectSame('held deliveries', countAt(requests, '/held'), EVENTS + 1)
    const [old, young] = [
      requests.findIndex(({ path }) => path === '/ok'),
      requests.findLastIndex(({ path }) => path === '/ok'),
    ]
    const namesOf = (index: number) => requests[index]!.rawHeaders.filter((_, at) => at % 2 === 0)
    // Headers of Posthorn's own can be added; all others stay, in their order.
    const isNew = (name: string) => name.startsWith('X-Posthorn-') && !namesOf(old).includes(name)
    const kept = namesOf(young).filter(name => !isNew(name))
    expectSame("a webhook's header names", kept, namesOf(old))
    const secrets = (index: number) => [requests[index]!.headers.authorization, requests[index]!.headers['x-api-key']]
    expectSame("a webhook's secrets", secrets(young), secrets(old))
    return faults
  }

  /** Sends what the old version kept back: held deliveries, those that wait for a retry, the rest of a replay. */
  async #useDeliveries(api: Api): Promise<void> {
    const { late, held } = this.#endpoints
    const tenant = `/v1/tenants/${TENANT}`
    await mustCall(api, { method: 'POST', path: `${tenant}/endpoints/${held}/enable` })
    await this.#receiver.waitFor(({ requests }) => countAt(requests, '/held') >= EVENTS, WAIT)
    const { data } = await mustCall<{ data: { id: string }[] }>(api, {
      method: 'GET',
      path: `${tenant}/deliveries?endpoint=${late}&state=pending&limit=100`,
    })
    const before = countAt(this.#receiver.requests, '/late')
    for (const { id } of data) await mustCall(api, { method: 'POST', path: `${tenant}/deliveries/${id}/retry` })
    await this.#receiver.waitFor(({ requests }) => countAt(requests, '/late') >= before + EVENTS, WAIT)
    const ordered = countAt(this.#receiver.requests, '/ordered')
    await mustCall(api, { method: 'POST', path: `${tenant}/replays/of-may/resume` })
    await this.#receiver.waitFor(({ requests }) => countAt(requests, '/ordered') > ordered, WAIT)
    const ok = countAt(this.#receiver.requests, '/ok')
    await mustCall(api, eventCall(EVENTS, this.#key))
    await this.#receiver.waitFor(({ requests }) => countAt(requests, '/ok') > ok, WAIT)
    await this.#receiver.waitFor(({ requests }) => countAt(requests, '/held') > EVENTS, WAIT)
  }
}

const listener = (uid: string) => ({
  kind: 'listener',
  uid,
  clientSecret: SECRET,
  types: ['posthorn.endpoint.disabled'],
})

function eventCall(number: number, apiKey?: string): Call {
  const body = { type: EVENT_TYPE, key: `order-${number}`, payload: { student: `ada-${number}`, grade: 1.5 } }
  return { method: 'POST', path: `/v1/tenants/${TENANT}/events`, body, ...(apiKey === undefined ? {} : { apiKey }) }
}

const publish = (api: Api, number: number) => mustCall(api, eventCall(number))

const countAt = (requests: Receiver['requests'], path: string) => requests.filter(each => each.path === path).length

const asBrowser = ({ url }: Api) => ({ 'posthorn-session': '1', 'sec-fetch-site': 'same-origin', origin: url })

async function mustCall<T>(api: Api, request: Call): Promise<T> {
  const { status, body } = await call(api, request)
  if (status < 200 || status > 299) {
    throw new Error(`${request.method} ${request.path} returned ${status}: ${JSON.stringify(body)}`)
  }
  return body as T
}

async function call(api: Api, request: Call): Promise<Reading> {
  const response = await send(api, request)
  const text = await response.text()
  return { status: response.status, body: text === '' ? null : JSON.parse(text) }
}

function send(
  { url, apiKey: rootKey }: Api,
  { method, path, body, headers, apiKey = rootKey }: Call,
): Promise<Response> {
  return fetch(url + path, {
    method,
    headers: {
      ...(apiKey === null ? {} : { authorization: `Bearer ${apiKey}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
}
