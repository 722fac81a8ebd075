/**
 * A company that insures trade credit, and its customers: what the dashboard shows in the demo. Everything that it
 * shows happens: events are published through the API, and receivers respond, fail, hang and recover.
 */
import { Posthorn } from '@posthorn/client'
import { type Authority, type Receiver, startReceiver } from '@posthorn/testkit'
import { type Behaviour, behaviours } from './behaviours.ts'
import { type Customer, customers, type Plan } from './customers.ts'
import { Incidents } from './incidents.ts'
import { createRandom } from './random.ts'
import { Traffic } from './traffic.ts'

const SEED = 1_706
const DAY_MS = 86_400_000

/** An endpoint of the company's customers. */
export type Registered = { readonly id: string; readonly customer: string; readonly path: string }

export class Company {
  readonly #random = createRandom(SEED)
  readonly #startedAtMs = performance.now()
  readonly #customers = customers()
  readonly #receivers: Receiver[] = []
  readonly #ending = new AbortController()
  #api!: Posthorn

  /** Creates customers, endpoints and keys, publishes some hundred events, and keeps publishing until `close`. */
  async open(url: string, apiKey: string, authority: Authority): Promise<void> {
    this.#api = new Posthorn({ url, apiKey, maxRetries: 5 })
    const registered = (await Promise.all(this.#customers.map(each => this.#register(each, authority)))).flat()
    await this.#createKeys()
    await this.#createArchivedType()
    const traffic = new Traffic(this.#api, this.#random, this.#customers, this.#ending.signal)
    await traffic.open()
    const incidents = new Incidents(this.#api, registered, this.#ending.signal)
    void Promise.all([traffic.keepPublishing(), incidents.run()]).catch(error => this.#fail(error))
  }

  get counts(): { readonly tenants: number; readonly endpoints: number } {
    return { tenants: this.#customers.length, endpoints: this.#receivers.length }
  }

  async close(): Promise<void> {
    this.#ending.abort()
    await Promise.all(this.#receivers.map(receiver => receiver.close()))
  }

  async #register(customer: Customer, authority: Authority): Promise<Registered[]> {
    const { id, name, endpoints } = customer
    // The tenant of operational events is there already, and can't be renamed.
    if (id !== 'posthorn') await this.#api.tenants.put(id, { name })
    const known = behaviours(this.#random, () => performance.now() - this.#startedAtMs)
    const registered: Registered[] = []
    for (const plan of endpoints) {
      const receiver = await this.#startReceiver(authority, known[plan.behaviour])
      const created = await this.#api.endpoints.create(id, bodyOf(plan, `${receiver.url}/${id}/${plan.path}`))
      registered.push({ id: created.id, customer: id, path: plan.path })
    }
    return registered
  }

  async #startReceiver(authority: Authority, behaviour: Behaviour): Promise<Receiver> {
    const { script, isDown = false, hasExpiredCertificate = false } = behaviour
    const notAfter = new Date(Date.now() - DAY_MS)
    const expired = { names: [], ips: ['127.0.0.1'], notBefore: new Date(Date.now() - 90 * DAY_MS), notAfter }
    const options = hasExpiredCertificate ? { tls: await authority.issue(expired) } : { authority }
    const receiver = await startReceiver({ ...options, script, record: false })
    if (isDown) await receiver.stop()
    this.#receivers.push(receiver)
    return receiver
  }

  async #createKeys(): Promise<void> {
    const { apiKeys } = this.#api
    await apiKeys.create({ name: 'Policy platform', scope: 'publish' })
    await apiKeys.create({ name: 'First-level support', scope: 'read', payloads: false })
    const expiresAt = new Date(Date.now() + 30 * DAY_MS)
    await apiKeys.create({ name: 'Northwind, own automation', scope: 'all', tenant: 'northwind', expiresAt })
    const { id } = await apiKeys.create({ name: 'Old nightly import', scope: 'publish' })
    await apiKeys.revoke(id)
  }

  async #createArchivedType(): Promise<void> {
    const name = 'COVER_LIMIT_SUGGESTED'
    await this.#api.eventTypes.put(name, {
      group: 'coverage',
      description: 'A higher limit would be granted. Replaced by COVER_STATUS_CHANGED.',
      schema: {
        type: 'object',
        required: ['coverId', 'limit'],
        properties: { coverId: { type: 'string', format: 'uuid' }, limit: { type: 'number', minimum: 0 } },
      },
      example: { coverId: '564200aa-7128-4a26-83a8-cf0201903fcc', limit: 250_000 },
    })
    await this.#api.eventTypes.archive(name)
  }

  #fail(error: unknown): void {
    if (this.#ending.signal.aborted) return // the demo is ending, which cut the call off
    const words = error instanceof Error ? error.message : String(error)
    process.stderr.write(`The customers' events have stopped: ${words}\n`)
  }
}

function bodyOf({ path, behaviour: _, usesTokens = false, ...plan }: Plan, url: string) {
  const tokenUrl = new URL('/oauth/token', url).href
  const oauth = { tokenUrl, clientId: 'posthorn', clientSecret: 'rotated-by-the-bank' }
  return { ...plan, url, uid: path, ...(usesTokens ? { oauth } : {}) }
}
