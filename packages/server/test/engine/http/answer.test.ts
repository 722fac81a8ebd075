import { createServer, request } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Answer } from '../../../src/engine/http/answer.ts'

type Read = { status: number; headers: readonly string[]; body: string; state: string; hasMore: boolean; at?: number }

/** Reads bytes that arrive in these pieces, as a connection does. */
function readIn(pieces: readonly Buffer[]): Read {
  const body: Buffer[] = []
  let status = 0
  let headers: readonly string[] = []
  const answer = new Answer({
    onHead: head => {
      status = head.status
      headers = head.headers
      return true
    },
    onBody: piece => {
      body.push(Buffer.from(piece))
      return true
    },
  })
  for (const piece of pieces) {
    answer.read(piece)
    // The next piece is read into the same memory.
    piece.fill(0xff)
  }
  const { state, hasMore, fault } = answer
  return {
    status,
    headers,
    body: Buffer.concat(body).toString('latin1'),
    state,
    hasMore,
    ...(fault && { at: fault.at }),
  }
}

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [0, ...places.map(place => place % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length]
  return at.slice(1).map((place, nth) => Buffer.from(bytes.subarray(at[nth], place)))
}

const token = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}$/)
const value = fc.stringMatching(/^[!-~\x80-\xff](?:[ \t!-~\x80-\xff]{0,20}[!-~\x80-\xff])?$/)
const RESERVED = ['content-length', 'transfer-encoding', 'connection', 'keep-alive', 'retry-after']
const headers = fc
  .array(fc.tuple(token, value), { maxLength: 6 })
  .map(pairs => pairs.filter(([name]) => !RESERVED.includes(name.toLowerCase())))
const bytes = fc.uint8Array({ maxLength: 60 }).map(array => Buffer.from(array))

/** Well-formed responses, and what is in them. */
const wellFormed = fc
  .record({
    status: fc.integer({ min: 200, max: 599 }),
    headers,
    chunks: fc.array(bytes, { maxLength: 4 }),
    isChunked: fc.boolean(),
  })
  .filter(({ status }) => status !== 204 && status !== 304)
  .map(({ status, headers, chunks, isChunked }) => {
    const body = Buffer.concat(chunks)
    const framed = isChunked
      ? Buffer.concat([
          ...chunks
            .filter(({ length }) => length > 0)
            .flatMap(chunk => [Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')]),
          Buffer.from('0\r\n\r\n'),
        ])
      : body
    const framing = isChunked ? ['transfer-encoding', 'chunked'] : ['content-length', String(body.length)]
    const all = [...headers.flat(), ...framing]
    const lines = all.flatMap((name, at) => (at % 2 === 0 ? [`${name}: ${all[at + 1]}\r\n`] : []))
    const head = Buffer.from(`HTTP/1.1 ${status} Any\r\n${lines.join('')}\r\n`, 'latin1')
    return { message: Buffer.concat([head, framed]), status, headers: all, body: body.toString('latin1') }
  })

describe('the reader of responses', () => {
  it('finds in each response what was put into it, in whatever pieces it arrives', () => {
    fc.assert(
      fc.property(wellFormed, fc.array(fc.nat(), { maxLength: 8 }), ({ message, status, headers, body }, places) => {
        const read = readIn(cut(message, places))
        expect(read).toEqual({ status, headers, body, state: 'complete', hasMore: false })
      }),
      { numRuns: 1_000 },
    )
  })

  it('comes to the same result in whatever pieces any bytes arrive', () => {
    const noise = fc.array(
      fc.constantFrom(
        'HTTP/1.1 ',
        '200',
        ' ',
        '\r',
        '\n',
        '\r\n',
        'a: b',
        ':',
        '0',
        '5;',
        '\0',
        '103',
        'transfer-encoding: chunked',
        'content-length: 3',
      ),
      { maxLength: 30 },
    )
    const text = fc.oneof(
      noise.map(parts => parts.join('')),
      noise.map(parts => `HTTP/1.1 200 OK\r\n${parts.join('')}`),
    )
    fc.assert(
      fc.property(text, fc.array(fc.nat(), { maxLength: 8 }), (says, places) => {
        const message = Buffer.from(says, 'latin1')
        const whole = readIn([Buffer.from(message)])
        const inPieces = readIn(cut(message, places))
        expect(inPieces).toEqual({ ...whole, hasMore: inPieces.hasMore })
        // A fault ends the reading, so what would have come after it doesn't matter.
        if (whole.state === 'complete') expect(inPieces.hasMore).toBe(whole.hasMore)
      }),
      { numRuns: 3_000 },
    )
  })

  it("agrees with Node's client about each well-formed response", async () => {
    let says = Buffer.alloc(0)
    const server = createTcpServer(socket => socket.on('error', () => {}).once('data', () => socket.end(says)))
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    await fc.assert(
      fc.asyncProperty(wellFormed, async ({ message }) => {
        says = message
        const theirs = await new Promise<Omit<Read, 'state' | 'hasMore'>>((resolve, reject) => {
          const asked = request({ host: '127.0.0.1', port, agent: false }, response => {
            const parts: Buffer[] = []
            response.on('data', part => parts.push(part))
            response.on('end', () =>
              resolve({
                status: response.statusCode!,
                headers: response.rawHeaders,
                body: Buffer.concat(parts).toString('latin1'),
              }),
            )
          })
          asked.on('error', reject).end()
        })
        expect(readIn([Buffer.from(message)])).toMatchObject(theirs)
      }),
      { numRuns: 100 },
    )
    server.close()
  })

  it('reads what Node writes', async () => {
    const server = createServer((_request, response) => {
      response.writeHead(202, { 'x-one': 'a' })
      response.write('hello ')
      response.end('world')
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const { connect } = await import('node:net')
    const message = await new Promise<Buffer>(resolve => {
      const parts: Buffer[] = []
      const socket = connect(port, '127.0.0.1', () =>
        socket.write('POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n'),
      )
      socket.on('data', part => parts.push(part)).on('end', () => resolve(Buffer.concat(parts)))
    })
    expect(readIn([message])).toMatchObject({ status: 202, body: 'hello world', state: 'complete' })
    server.close()
  })

  it('takes linear time for a head that arrives a byte at a time, or has many lines', () => {
    for (const says of [
      `HTTP/1.1 200 ${'y'.repeat(16_000)}`,
      `HTTP/1.1 200 OK\r\n${'a:\r\n'.repeat(3_000)}`,
      `HTTP/1.1 200 OK\r\nx: ${'\t'.repeat(16_000)}`,
    ]) {
      const pieces = [...Buffer.from(says)].map(byte => Buffer.from([byte]))
      expect(readIn(pieces).state).toBe('head')
    }
  })
})
