/** Publishes the events of the program that Posthorn runs in, as the API publishes those of its callers. */
import { Buffer } from 'node:buffer'
import type { Transaction } from '@posthorn/client'
import { PosthornError } from '../base/errors.ts'
import type { Published, PublishOptions } from '../base/published.ts'
import { isTenantId } from '../base/tenant-id.ts'
import { parseTraceparent, writeTraceparent } from '../base/trace-context.ts'
import type { Publisher } from '../publish/publisher.ts'
import type { Store } from '../store/store.ts'
import { invalid, notFound } from './checks/refusals.ts'
import { refusalOfStore } from './checks/store-refusals.ts'

/** See `BeginPublishTrace` of the API. */
type BeginTrace = (
  tenant: string,
  traceparent: string | null,
) => { readonly traceparent: string | null; end(events: number | null): void }

type Parts = {
  readonly store: Pick<Store, 'engine'>
  readonly publisher: Pick<Publisher, 'publish'>
  readonly maxBodyBytes: number
  readonly beginTrace?: BeginTrace | undefined
}

export class OwnPublishing {
  readonly #parts: Parts
  readonly #pending = new Set<Promise<unknown>>()
  #isClosed = false

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /**
   * Resolves once the event is stored durably. Throws PosthornError with the same codes and fields as the API.
   *
   * @param payload a string or bytes must already be JSON, and are sent as they are; any other value is serialised
   */
  publish(tenant: string, type: string, payload: unknown, options: PublishOptions): Promise<Published> {
    return this.#track(async () => {
      const body = bodyOf(type, payload, options.key)
      if (body.length > this.#parts.maxBodyBytes) throw tooLarge(body.length, this.#parts.maxBodyBytes)
      if (typeof tenant !== 'string' || !isTenantId(tenant)) throw notFound('tenant')
      const caller = parseTraceparent(options.traceparent)
      const trace = this.#begin(tenant, caller === null ? null : writeTraceparent(caller))
      try {
        const { events } = await this.#parts.publisher.publish(tenant, body, trace.traceparent)
        trace.end(events.length)
        const { id, duplicate, deliveries } = events[0]!
        return { id, duplicate, deliveries }
      } catch (error) {
        trace.end(null)
        throw refusalOfStore(error) ?? error
      }
    })
  }

  /**
   * Publishes in the caller's own transaction: the event exists if and only if it commits. What the database refuses is
   * thrown as the caller's own driver throws it.
   */
  publishIn(tx: Transaction, tenant: string, type: string, payload: unknown, key?: string): Promise<{ id: string }> {
    return this.#track(async () => {
      if (this.#parts.store.engine === 'sqlite') throw noTransactions()
      const text = textOf(payload)
      if (text === undefined) throw invalid([{ field: '/payload', detail: 'The payload is missing.' }])
      // Loaded only here: the client is as large as all of the API, and most programs don't publish this way.
      const { publish } = await import('@posthorn/client')
      return publish(tx, { tenant, type, payload: text, key })
    })
  }

  /** Refuses all further events. */
  refuse(): void {
    this.#isClosed = true
  }

  /** Settles once no event is on its way to the store. How long a commit can take is bounded by the store. */
  async drain(): Promise<void> {
    await Promise.allSettled(this.#pending)
  }

  #begin(tenant: string, traceparent: string | null): ReturnType<BeginTrace> {
    // Without tracing, the caller's own traceparent is stored unchanged.
    return this.#parts.beginTrace?.(tenant, traceparent) ?? { traceparent, end: () => {} }
  }

  async #track<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isClosed) throw closed()
    const working = work()
    this.#pending.add(working)
    try {
      return await working
    } finally {
      this.#pending.delete(working)
    }
  }
}

/** The body of the API's call that publishes. What is missing is left out, so that the API's own check reports it. */
function bodyOf(type: unknown, payload: unknown, key: unknown): Buffer {
  const members = [
    ['type', JSON.stringify(type)],
    ['key', key === null ? undefined : JSON.stringify(key)],
    ['payload', textOf(payload)],
  ]
  const given = members.flatMap(([name, text]) => (text === undefined ? [] : [`"${name}":${text}`]))
  return Buffer.from(`{${given.join(',')}}`)
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The payload as JSON. Undefined if there is none. */
function textOf(payload: unknown): string | undefined {
  const isText = typeof payload === 'string' || payload instanceof Uint8Array
  try {
    const text = payload instanceof Uint8Array ? utf8.decode(payload) : payload
    if (typeof text !== 'string') return JSON.stringify(text)
    // It becomes a part of a larger text, which it must not be able to end.
    JSON.parse(text)
    if (text.isWellFormed()) return text
  } catch (error) {
    // The parser's own message quotes the payload.
    const reason = isText ? null : (error as Error).message
    const detail =
      reason === null
        ? 'A payload that is a string or bytes must be JSON. Pass the value itself, or JSON.stringify of it.'
        : `The payload cannot be written as JSON: ${reason.split('\n', 1)[0]}`
    throw invalid([{ field: '/payload', detail }])
  }
  const detail = 'The payload contains an unpaired surrogate. Write it as an escape sequence (\\ud83d).'
  throw invalid([{ field: '/payload', detail }])
}

function tooLarge(bytes: number, most: number): PosthornError {
  const detail = `The event has ${bytes} bytes, and maxBodyBytes allows ${most}. Publish less, or raise that setting.`
  return new PosthornError('body_too_large', detail)
}

function noTransactions(): PosthornError {
  const detail =
    'The embedded store is not the database of your transaction, so the event could not be part of it. Publish after ' +
    'the commit without tx, or let Posthorn use your PostgreSQL (databaseUrl).'
  return new PosthornError('not_implemented', detail)
}

function closed(): PosthornError {
  return new PosthornError('shutting_down', 'This Posthorn is closed and takes no more events. Create another one.')
}
