import { Buffer } from 'node:buffer'
import type { Endpoint, EventType } from '../../base/model.ts'
import type { Keyring } from '../../secrets/keyring.ts'
import type { Store } from '../../store/store.ts'
import { callTurns, inTurns } from '../turns.ts'
import { type Described, describeAuthentication } from './authentication.ts'
import { adviseOnFilterOf } from './filter-advice.ts'
import { adviseOnHealth } from './health.ts'
import { readHealth } from './health-report.ts'
import type { SealedCredentials } from './sealed-credentials.ts'
import { adviseOnTypes } from './wanted-types.ts'

/** Makes a text of an endpoint. */
export type ShowEndpoint = (endpoint: Endpoint, described: Described) => string

type Parts = {
  readonly store: Store
  readonly keyring: Keyring
  readonly credentials: SealedCredentials
  /** The types that an endpoint can name. */
  readonly nameable: () => Promise<readonly EventType[]>
  readonly disableAfterMs: number
}

/** What is said about endpoints in addition to their members. */
export class Descriptions {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** How the endpoint authenticates, how its receiver does, and warnings about it (C8), as of now. */
  async describe(endpoint: Endpoint): Promise<Described> {
    return (await this.#describer([endpoint]))(endpoint)
  }

  /**
   * Shows several endpoints with the same, with as many reads as for one. Describing and showing one takes up to some
   * tenths of a millisecond, so all of it is done in turns.
   *
   * @param maxBytes ends with the last text that fits into this; there is always one
   */
  async showAll(endpoints: readonly Endpoint[], show: ShowEndpoint, maxBytes: number): Promise<string[]> {
    const describe = await this.#describer(endpoints)
    const texts: string[] = []
    let bytes = 0
    for (const endpoint of endpoints) {
      const described = await describe(endpoint)
      const text = await callTurns.take(endpoint.tenant, () => show(endpoint, described))
      bytes += Buffer.byteLength(text)
      if (bytes > maxBytes && texts.length > 0) break
      texts.push(text)
    }
    return texts
  }

  async #describer(endpoints: readonly Endpoint[]): Promise<(endpoint: Endpoint) => Promise<Described>> {
    const { store, keyring, credentials, disableAfterMs } = this.#parts
    const shared = await store.read('findSharedSecrets', {
      endpoints: endpoints.map(({ id, tenant, secretDigest }) => ({ id, tenant, secretDigest })),
    })
    const nowMs = store.now()
    const reports = await readHealth(store, endpoints, nowMs)
    const nameable = await this.#parts.nameable()
    return async endpoint => {
      const described = await callTurns.take(endpoint.tenant, () =>
        describeAuthentication(endpoint, credentials.open(endpoint), keyring, shared.has(endpoint.id), nowMs),
      )
      const warnings = [
        ...adviseOnHealth(endpoint, disableAfterMs),
        ...described.warnings,
        ...(await callTurns.take(endpoint.tenant, () => adviseOnTypes(endpoint.types, nameable))),
        ...(await inTurns(endpoint.tenant, adviseOnFilterOf(endpoint, nameable))),
      ]
      const report = reports.get(endpoint.id)!
      return { ...described, warnings, pausedUntilMs: report.pausedUntilMs, report }
    }
  }
}
