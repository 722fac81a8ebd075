import { readdirSync, readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { currentDocument, type Document } from '../../generator/document.ts'
import { generate } from '../../generator/files.ts'
import { callsOf } from '../../generator/resources.ts'
import { methodOf, resourceOf } from '../../generator/words.ts'
import { Posthorn } from '../../src/index.ts'

const folder = new URL('../../src/api/', import.meta.url)
let document: Document
beforeAll(async () => {
  document = await currentDocument()
})

describe('the generated client', () => {
  it("is what the API's document gives: run `npm run generate:client` if it differs", () => {
    const committed = readdirSync(folder).map(name => [name, readFileSync(new URL(name, folder), 'utf8')] as const)
    const byName = ([a]: readonly [string, string], [b]: readonly [string, string]) => (a < b ? -1 : 1)
    expect(committed.toSorted(byName)).toEqual([...generate(document)].toSorted(byName))
  })

  it('has a method for every operation, which sends its method and path, an Idempotency-Key if it takes one', async () => {
    const sent: { method: string; path: string; key: string | null }[] = []
    const posthorn = new Posthorn({
      url: 'http://posthorn.test',
      maxRetries: 0,
      fetch: async (url, { method, headers }) => {
        const key = new Headers(headers).get('idempotency-key')
        sent.push({ method: method!, path: decodeURIComponent(new URL(url).pathname), key })
        // A stream that ends without a record is opened again.
        if (url.includes('/stream')) {
          return new Response('id: 1\nevent: event\ndata: {}\n\n', { headers: { 'content-type': 'text/event-stream' } })
        }
        return Response.json({ data: [], nextCursor: null, prevCursor: null })
      },
    })
    const calls = callsOf(document)
    for (const { method, path, operation } of calls) {
      const tag = operation.tags[0]!
      const resource = posthorn[resourceOf(tag) as 'events'] as unknown as Record<
        string,
        (...args: unknown[]) => unknown
      >
      const names = [...path.matchAll(/\{(\w+)\}/g)].map(([name]) => name)
      const body = operation.requestBody === undefined ? [] : [{}]
      const result = resource[methodOf(operation.operationId, tag)]!(...names, ...body)
      await (typeof (result as Promise<unknown>).then === 'function' ? result : (result as AsyncGenerator).next())
      const takesKey = (operation.parameters ?? []).some(({ name }) => name === 'Idempotency-Key')
      const key = takesKey ? expect.stringMatching(/^[0-9a-f]{32}$/) : null
      expect(sent.splice(0), operation.operationId).toEqual([{ method, path, key }])
    }
    expect(calls.length).toBeGreaterThan(60)
  })
})
