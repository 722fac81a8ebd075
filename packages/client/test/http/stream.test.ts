import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { EventParser, type ServerSentEvent } from '../../src/http/stream.ts'
import { ApiError, ConnectionError, Posthorn, type PosthornError, type StreamRecord } from '../../src/index.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

describe('the parser of server-sent events', () => {
  const word = fc.stringMatching(/^[a-zé😀 :.]{0,12}$/u)
  const sent = fc.array(
    fc.record({
      id: fc.stringMatching(/^[a-z0-9.:,]{1,8}$/),
      event: fc.stringMatching(/^[a-z]{1,8}$/),
      data: fc.array(word, { minLength: 1, maxLength: 3 }).map(lines => lines.join('\n')),
    }),
    { maxLength: 5 },
  )

  it('finds the same events, wherever the pieces are cut and however lines end', () => {
    fc.assert(
      fc.property(sent, fc.constantFrom('\n', '\r\n', '\r'), fc.array(fc.nat(200)), (events, end, cuts) => {
        const text = events
          .map(({ id, event, data }) => {
            const lines = data.split('\n').map(line => `data: ${line}`)
            return [':', `id: ${id}`, `event: ${event}`, ...lines, '', ''].join(end)
          })
          .join('')
        const all = bytes(text)
        const parser = new EventParser()
        const found: ServerSentEvent[] = []
        let at = 0
        for (const cut of [...cuts, all.length]) {
          found.push(...parser.take(all.subarray(at, at + cut)))
          at += cut
        }
        expect(found).toEqual(events)
        expect(parser.lastId).toBe(events.at(-1)?.id ?? '')
      }),
    )
  })

  it('takes an id without data for a position', () => {
    const parser = new EventParser('before')
    expect([...parser.take(bytes(':\nid: next\n'))]).toEqual([])
    expect(parser.lastId).toBe('before')
    expect([...parser.take(bytes('\n'))]).toEqual([])
    expect(parser.lastId).toBe('next')
  })
})

/** Responds with these texts, one for each request; a text that ends with `!` breaks off. */
function server(...texts: readonly (string | Response)[]) {
  const asked: (string | null)[] = []
  const waiting = [...texts]
  const send = async (_url: string, init: RequestInit) => {
    asked.push(new Headers(init.headers).get('last-event-id'))
    const next = waiting.shift()
    if (next instanceof Response) return next
    if (next === undefined)
      return new Promise<Response>((_resolve, reject) => {
        init.signal!.addEventListener('abort', () => reject(init.signal!.reason))
      })
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(bytes(next.replace(/!$/, '')))
        if (next.endsWith('!')) controller.error(new TypeError('terminated'))
        else controller.close()
      },
    })
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
  }
  return { asked, posthorn: new Posthorn({ url: 'https://posthorn.example', fetch: send }) }
}

const record = (id: string) => `id: ${id}\nevent: event\ndata: {"id":"${id}"}\n\n`

describe('a stream', () => {
  it('is opened again where it was when the server ends it, and says so', async () => {
    const { asked, posthorn } = server(`:\nid: a\n\n${record('b')}`, `${record('c')}:\nid: d\n\n`)
    const controller = new AbortController()
    const states: boolean[] = []
    const found: StreamRecord[] = []
    const read = async () => {
      const options = { signal: controller.signal, onConnection: (isOpen: boolean) => void states.push(isOpen) }
      for await (const one of posthorn.stream.read({}, options)) found.push(one)
    }
    const reading = read()
    await expect.poll(() => asked.length, { timeout: 5_000 }).toBe(3)
    controller.abort()
    await expect(reading).rejects.toThrow()
    expect(asked).toEqual([null, 'b', 'd'])
    expect(found.map(({ position, kind }) => [position, kind])).toEqual([
      ['b', 'event'],
      ['c', 'event'],
    ])
    expect(states).toEqual([true, false, true, false])
  })

  it('continues after the given position, and ends with its loop', async () => {
    const { asked, posthorn } = server(record('b') + record('c'))
    for await (const { kind, data } of posthorn.stream.readTenant('acme', { kind: ['event'] }, { after: 'a' })) {
      expect([kind, data]).toEqual(['event', { id: 'b' }])
      break
    }
    expect(asked).toEqual(['a'])
  })

  it('throws what would not succeed later', async () => {
    const problem = { type: 'urn:x', title: 'No', status: 401, detail: 'No key.', code: 'unauthorized' }
    const answer = new Response(JSON.stringify(problem), {
      status: 401,
      headers: { 'content-type': 'application/problem+json' },
    })
    await expect(server(answer).posthorn.stream.read().next()).rejects.toBeInstanceOf(ApiError)
  })

  it.each([
    new Response('<h1>Sign in</h1>', { headers: { 'content-type': 'text/html' } }),
    new Response(null, { status: 204 }),
  ])('is nothing else that responds, such as a proxy: it would be opened again and again (%#)', async response => {
    const { asked, posthorn } = server(response)
    const states: boolean[] = []
    const stream = posthorn.stream.read({}, { onConnection: isOpen => void states.push(isOpen) })
    await expect(stream.next()).rejects.toMatchObject({
      code: 'unexpected_response',
      message: 'GET /v1/stream: The response is not of the type text/event-stream. Check that `url` leads to Posthorn.',
    })
    expect([asked.length, states]).toEqual([1, []])
  })

  it('waits as long as a server asks for that will be away for a while, and then continues', async () => {
    vi.useFakeTimers()
    try {
      const away = new Response(null, { status: 503, headers: { 'retry-after': '600' } })
      const { asked, posthorn } = server(record('a'), away, record('b'))
      const errors: (PosthornError | undefined)[] = []
      const stream = posthorn.stream.read({}, { onConnection: (isOpen, error) => void (isOpen || errors.push(error)) })
      expect((await stream.next()).value).toMatchObject({ position: 'a' })
      const next = stream.next()
      await vi.advanceTimersByTimeAsync(590_000)
      expect(asked).toEqual([null, 'a'])
      await vi.advanceTimersByTimeAsync(120_000)
      expect((await next).value).toMatchObject({ position: 'b' })
      expect(errors.map(error => error?.retryAfterMs)).toEqual([undefined, 600_000])
    } finally {
      vi.useRealTimers()
    }
  })

  it('ends at once if it is aborted by whom it tells that it is closed', async () => {
    const { posthorn } = server(record('a'))
    const controller = new AbortController()
    const onConnection = (isOpen: boolean) => isOpen || controller.abort('enough')
    const stream = posthorn.stream.read({}, { signal: controller.signal, onConnection })
    await stream.next()
    vi.useFakeTimers()
    try {
      await expect(stream.next()).rejects.toBe('enough')
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })

  it('is opened again after a connection that failed', { timeout: 10_000 }, async () => {
    const { asked, posthorn } = server(`${record('b')}!`, record('c'))
    const errors: unknown[] = []
    const options = { onConnection: (isOpen: boolean, error?: Error) => void (isOpen || errors.push(error)) }
    const positions: string[] = []
    for await (const { position } of posthorn.stream.read({}, options)) {
      positions.push(position)
      if (position === 'c') break
    }
    expect(asked).toEqual(positions.length === 2 ? [null, 'b'] : [null, null])
    expect(errors[0]).toBeInstanceOf(ConnectionError)
  })
})
