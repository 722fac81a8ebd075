import { randomUUID } from 'node:crypto'
import { type Postgres, startPostgres } from '@posthorn/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ApiError, type Fetch, Posthorn, type StreamRecord } from '../../../client/src/index.ts'
import { API_KEY, inPlace, type Place, running, serve } from '../e2e/process.ts'

let server: Postgres
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server.stop())

const ENCRYPTION_KEY = Buffer.alloc(32, 5).toString('base64')
const event = () => ({ type: 'COVER_REFERENCE', payload: { CoverId: randomUUID() } })

const startNode = async (place: Place, url: string) =>
  running(await serve(place, { env: { POSTHORN_DATABASE_URL: url, POSTHORN_ENCRYPTION_KEY: ENCRYPTION_KEY } }))

describe('a stream across nodes', () => {
  it(
    'continues at another node when its own is killed, and misses nothing that any has committed',
    {
      timeout: 120_000,
    },
    () =>
      inPlace(async place => {
        const url = await server.createDatabase('stream')
        const nodes = [await startNode(place, url), await startNode(place, url)]
        await nodes[0]!.call('PUT', '/tenants/acme', {})
        // The reader is led to the first node, and to the second when that is gone.
        let current = 0
        const send: Fetch = async (target, init) => {
          const base = nodes[current]!.url
          return fetch(target.replace('http://posthorn.invalid', base), init)
        }
        const posthorn = new Posthorn({ url: 'http://posthorn.invalid', apiKey: API_KEY, fetch: send })
        const controller = new AbortController()
        const records: StreamRecord[] = []
        const states: boolean[] = []
        const errors: unknown[] = []
        const onConnection = (isOpen: boolean, error?: unknown) => {
          states.push(isOpen)
          if (!isOpen) errors.push(error)
        }
        const reading = (async () => {
          const options = { signal: controller.signal, onConnection }
          for await (const record of posthorn.stream.read({ kind: ['event'] }, options)) records.push(record)
        })()
        await expect.poll(() => states, { timeout: 10_000 }).toEqual([true])
        const published: string[] = []
        const publish = async (through: number, count: number) => {
          for (let at = 0; at < count; at++) {
            const { body } = await nodes[through]!.call<{ id: string }>('POST', '/tenants/acme/events', event())
            published.push(body.id)
          }
        }
        await Promise.all([publish(0, 30), publish(1, 30)])
        const publishing = publish(1, 200)
        nodes[0]!.kill('SIGKILL')
        current = 1
        await publishing
        const ids = () => records.map(({ data }) => (data as { id: string }).id)
        await expect.poll(() => ids().length, { timeout: 20_000 }).toBeGreaterThanOrEqual(published.length)
        expect(ids().toSorted()).toEqual(published.toSorted())
        expect(records.every(({ kind }) => kind === 'event')).toBe(true)
        expect(states).toEqual([true, false, true])
        // An open stream doesn't delay a shutdown: it ends as if it was complete, and isn't cut off at the last moment.
        nodes[1]!.kill('SIGTERM')
        await nodes[1]!.ended
        await expect.poll(() => states.length).toBeGreaterThanOrEqual(4)
        expect([states[3], errors[1]]).toEqual([false, undefined])
        controller.abort()
        await expect(reading).rejects.not.toBeInstanceOf(ApiError)
      }),
  )
})
