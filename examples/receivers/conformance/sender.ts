/** A real Posthorn that sends to the example receivers. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DeliveryDetail, Posthorn } from '@posthorn/client'
import { type Authority, startNode } from '@posthorn/testkit'

/** A type that no receiver has heard of. */
export const UNKNOWN_TYPE = 'PARCEL_HANDED_OVER'

const WAIT_MS = 20_000
const POLL_MS = 50

export type EndpointSecrets = { readonly clientSecret: string; readonly signingSecret: string }

export class Sender {
  readonly #posthorn: Posthorn
  /** Ends the server and removes its folder. */
  readonly close: () => Promise<unknown>

  private constructor(posthorn: Posthorn, close: () => Promise<unknown>) {
    this.#posthorn = posthorn
    this.close = close
  }

  static async start(authority: Authority): Promise<Sender> {
    const folder = mkdtempSync(join(tmpdir(), 'posthorn-sender-'))
    const caFile = join(folder, 'ca.pem')
    writeFileSync(caFile, authority.caPem)
    const apiKey = randomBytes(24).toString('base64url')
    const node = await startNode({
      apiKey,
      encryptionKey: randomBytes(32).toString('base64'),
      flags: ['--data', join(folder, 'data'), '--extra-ca', caFile, '--dashboard', 'off'],
      folder,
    })
    const posthorn = new Posthorn({ url: node.url, apiKey })
    await posthorn.eventTypes.put(UNKNOWN_TYPE, {
      group: 'parcels',
      description: 'A parcel was handed over.',
      schema: { type: 'object', required: ['parcel'], properties: { parcel: { type: 'object' } } },
      example: { parcel: { number: 1 } },
    })
    return new Sender(posthorn, () => node.end())
  }

  /** Registers an endpoint of a tenant that has no other. */
  async register(url: string, secrets: EndpointSecrets): Promise<Endpoint> {
    const tenant = `receiver-${randomBytes(6).toString('hex')}`
    await this.#posthorn.tenants.put(tenant)
    const { id } = await this.#posthorn.endpoints.create(tenant, { url, ...secrets })
    return new Endpoint(this.#posthorn, tenant, id)
  }
}

class Endpoint {
  readonly #posthorn: Posthorn
  readonly #tenant: string
  readonly #id: string

  constructor(posthorn: Posthorn, tenant: string, id: string) {
    this.#posthorn = posthorn
    this.#tenant = tenant
    this.#id = id
  }

  /** Publishes an event and waits until it is delivered. Returns its id. Rejects if the first attempt fails. */
  async publish(type: string, payload: unknown): Promise<string> {
    const { id } = await this.#posthorn.events.publish(this.#tenant, { type, payload })
    await this.#delivered(await this.#deliveryOf(id))
    return id
  }

  /** Sends a delivered event again, under the same id, and waits until that is delivered too. */
  async sendAgain(event: string): Promise<void> {
    const { id } = await this.#posthorn.deliveries.retry(this.#tenant, await this.#deliveryOf(event))
    await this.#delivered(id)
  }

  /** Sends a test request and waits for a 2xx. Returns the id in it. */
  async test(): Promise<string> {
    const { event, delivery } = await this.#posthorn.endpoints.test(this.#tenant, this.#id)
    await this.#delivered(delivery)
    return event
  }

  /** From then on, requests carry the new token, and signatures by both signing secrets. */
  async replaceSecrets({ clientSecret, signingSecret }: EndpointSecrets): Promise<void> {
    await this.#posthorn.endpoints.update(this.#tenant, this.#id, { clientSecret })
    await this.#posthorn.endpoints.rotateSigningSecret(this.#tenant, this.#id, { signingSecret })
  }

  async #deliveryOf(event: string): Promise<string> {
    const { data } = await this.#posthorn.deliveries.list(this.#tenant, { event })
    if (data[0] === undefined) throw new Error(`The event ${event} goes to no endpoint.`)
    return data[0].id
  }

  /** A failed attempt is enough to give up: the next is due in half a minute. */
  async #delivered(id: string): Promise<void> {
    const until = Date.now() + WAIT_MS
    let delivery: DeliveryDetail
    do {
      delivery = await this.#posthorn.deliveries.get(this.#tenant, id)
      if (delivery.state === 'delivered') return
      await new Promise(resolve => setTimeout(resolve, POLL_MS))
    } while (delivery.attempts.every(({ outcome }) => outcome === 'success') && Date.now() < until)
    throw new Error(`The delivery is ${delivery.state}: ${JSON.stringify(delivery.attempts)}`)
  }
}
