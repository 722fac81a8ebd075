import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { lines } from '../../src/http/lines.ts'
import { List, type Page } from '../../src/http/list.ts'
import { path } from '../../src/http/path.ts'
import { Connection, Posthorn, ResponseError, TimeoutError } from '../../src/index.ts'

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = []
  for await (const item of items) found.push(item)
  return found
}

/** A list of these pages, in which the call asks for the page at `start`. Counts what is read. */
function listOf(pages: readonly (readonly number[])[], start: number): { list: List<number>; reads: () => number } {
  let reads = 0
  const read = async (cursor: string | null): Promise<Page<number>> => {
    reads++
    const at = cursor === null ? start : Number(cursor)
    const cursorOf = (index: number) => (pages[index] === undefined ? null : String(index))
    return { data: [...pages[at]!], nextCursor: cursorOf(at + 1), prevCursor: cursorOf(at - 1) }
  }
  return { list: new List(read), reads: () => reads }
}

const somePages = fc
  .array(fc.array(fc.integer(), { maxLength: 4 }), { minLength: 1, maxLength: 6 })
  .chain(pages => fc.record({ pages: fc.constant(pages), start: fc.nat({ max: pages.length - 1 }) }))

describe('a list', () => {
  it('gives the items from its page on, in both directions, whatever the pages contain', async () => {
    await fc.assert(
      fc.asyncProperty(somePages, async ({ pages, start }) => {
        const { list } = listOf(pages, start)
        expect(await list).toMatchObject({ data: pages[start] })
        expect(await all(list)).toEqual(pages.slice(start).flat())
        expect(await all(list.items('prev'))).toEqual(
          pages
            .slice(0, start + 1)
            .flat()
            .toReversed(),
        )
        expect((await all(list.pages('prev'))).map(page => page.data)).toEqual(pages.slice(0, start + 1).toReversed())
      }),
    )
  })

  it('reads nothing until it is used, and then only what is used', async () => {
    const { list, reads } = listOf([[1, 2], [3], [4]], 0)
    expect(reads()).toBe(0)
    for await (const item of list) if (item === 3) break
    expect(reads()).toBe(2)
  })

  it('reads its page once, however often it is awaited, and passes a failure on', async () => {
    const { list, reads } = listOf([[1]], 0)
    const ended: string[] = []
    await Promise.all([list, list.then(), list.finally(() => ended.push('end'))])
    expect([reads(), ended]).toEqual([1, ['end']])
    const failing = new List<number>(() => Promise.reject(new Error('no')))
    expect(await failing.catch(error => (error as Error).message)).toBe('no')
    await expect(all(failing)).rejects.toThrow('no')
  })
})

/** A client whose server always responds with this, and how often it was asked. */
function serverOf(respond: () => Response) {
  const sent: string[] = []
  const fetch = async (url: string) => {
    sent.push(url)
    return respond()
  }
  return { sent, posthorn: new Posthorn({ url: 'http://posthorn.test', fetch }) }
}

describe('a response that is no page', () => {
  it.each([[{}], [[]], [{ data: null }], [null], [7]])('%j is read once, and is an error', async body => {
    const { sent, posthorn } = serverOf(() => Response.json(body))
    await expect(all(posthorn.tenants.list())).rejects.toBeInstanceOf(ResponseError)
    await expect(all(posthorn.tenants.list().pages())).rejects.toBeInstanceOf(ResponseError)
    await expect(posthorn.tenants.list()).rejects.toMatchObject({
      code: 'unexpected_response',
      message: expect.stringContaining('`url`'),
    })
    expect(sent).toHaveLength(3)
  })

  it('has no next page if it does not say so, as one of another version might', async () => {
    const { sent, posthorn } = serverOf(() => Response.json({ data: [{ id: 'acme' }] }))
    expect(await all(posthorn.tenants.list())).toEqual([{ id: 'acme' }])
    expect(await all(posthorn.tenants.list().items('prev'))).toEqual([{ id: 'acme' }])
    expect(sent).toHaveLength(2)
  })

  it('is no result of another call either', async () => {
    await expect(serverOf(() => Response.json(null)).posthorn.tenants.get('acme')).rejects.toMatchObject({
      message: 'GET /v1/tenants/acme: The response is not what this call returns. Check that `url` leads to Posthorn.',
    })
  })
})

const responding = (pieces: readonly Uint8Array[]) =>
  new Connection({
    url: 'http://posthorn.test',
    fetch: async () => new Response(ReadableStream.from(pieces) as ReadableStream<Uint8Array>),
  })

describe('lines', () => {
  const encoder = new TextEncoder()

  it('are the values of the response, wherever it is cut into pieces', async () => {
    const value = fc.jsonValue({ maxDepth: 1, stringUnit: 'grapheme' })
    await fc.assert(
      fc.asyncProperty(
        fc.array(value, { maxLength: 5 }),
        fc.boolean(),
        fc.infiniteStream(fc.integer({ min: 1, max: 9 })),
        async (values, ends, sizes) => {
          const bytes = encoder.encode(values.map(one => JSON.stringify(one)).join('\n') + (ends ? '\n' : ''))
          const pieces: Uint8Array[] = []
          for (let at = 0; at < bytes.length; ) {
            const size = sizes.next().value!
            pieces.push(bytes.subarray(at, at + size))
            at += size
          }
          expect(await all(lines(responding(pieces), path`/v1/x`, undefined, undefined))).toEqual(
            JSON.parse(JSON.stringify(values)),
          )
        },
      ),
    )
  })

  it('free the response if the rest is not wanted, and fail if it falls silent', async () => {
    let cancelled = false
    const connectionOf = (timeoutMs: number) =>
      new Connection({
        url: 'http://posthorn.test',
        timeoutMs,
        fetch: async (_url, { signal }) => {
          const body = new ReadableStream<Uint8Array>({
            start: controller => {
              controller.enqueue(encoder.encode('1\n2\n'))
              signal!.addEventListener('abort', () => controller.error(signal!.reason))
            },
            cancel: () => {
              cancelled = true
            },
          })
          return new Response(body)
        },
      })
    for await (const value of lines(connectionOf(60_000), path`/v1/x`, undefined, undefined)) if (value === 1) break
    expect(cancelled).toBe(true)
    const found: unknown[] = []
    const reading = (async () => {
      for await (const value of lines(connectionOf(5), path`/v1/x`, undefined, undefined)) found.push(value)
    })()
    await expect(reading).rejects.toBeInstanceOf(TimeoutError)
    expect(found).toEqual([1, 2])
  })

  it('fail if the response ends within a line', async () => {
    const cut = lines(responding([encoder.encode('{"kind":"export"}\n{"kind":"ev')]), path`/v1/x`, undefined, undefined)
    expect(await cut.next()).toEqual({ value: { kind: 'export' }, done: false })
    await expect(cut.next()).rejects.toBeInstanceOf(ResponseError)
  })
})
