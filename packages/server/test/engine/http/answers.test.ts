import type { Socket } from 'node:net'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import type { AttemptDetailCode } from '../../../src/base/attempt-details.ts'
import { type RawReceiver, SECOND, startRaw, startSender } from './raw-receiver.ts'

const { send } = startSender()
let receiver: RawReceiver
afterEach(() => receiver.close())

/** Sends two requests to a receiver that writes `says` to the first connection's first request. */
async function exchangeTwice(says: string, { isClosed = false, pieces = [says] } = {}) {
  const { promise: written, resolve } = Promise.withResolvers<void>()
  receiver = await startRaw((socket, nth) => {
    if (nth > 1) socket.write(SECOND)
    else void writeAll(socket, pieces).then(() => resolve(isClosed ? void socket.end() : undefined))
  })
  const first = await send(receiver.origin)
  // What arrives after the next request was written could be its response, for all that HTTP/1.1 says.
  await written
  const second = await send(receiver.origin)
  expect(second).toMatchObject({ status: 299, failure: null })
  return { first, text: Buffer.from(first.body).toString('latin1'), isReused: receiver.sockets.length === 1 }
}

async function writeAll(socket: Socket, pieces: readonly string[]) {
  for (const piece of pieces) {
    socket.write(piece, 'latin1')
    if (pieces.length > 1) await new Promise(setImmediate)
  }
}

const EMPTY = 'content-length: 0\r\n\r\n'
const OK = `HTTP/1.1 200 OK\r\n`
const PAUSED = `${OK}Retry-After: 5\r\n`
const CHUNKED = 'transfer-encoding: chunked\r\n\r\n'

/** A line that makes the head between PAUSED and CHUNKED that long, in bytes. */
const padded = (size: number) => `x: ${'y'.repeat(size - PAUSED.length - CHUNKED.length - 'x: \r\n'.length)}\r\n`

type Expected = {
  status: number
  body?: string
  headers?: readonly string[]
  reused: boolean
  truncated?: boolean
  closes?: true
}

/** Responses that curl, browsers or both accept. */
const READABLE: readonly (readonly [name: string, says: string, expected: Expected])[] = [
  ['the usual', `${OK}${EMPTY}`, { status: 200, reused: true }],
  ['a body', `${OK}content-length: 2\r\n\r\nok`, { status: 200, body: 'ok', reused: true }],
  ['no reason phrase', `HTTP/1.1 204\r\n${EMPTY}`, { status: 204, reused: true }],
  ['a space instead of a reason phrase', `HTTP/1.1 204 \r\n\r\n`, { status: 204, reused: true }],
  ['line feeds alone', 'HTTP/1.1 200 OK\ncontent-length: 2\n\nok', { status: 200, body: 'ok', reused: true }],
  ['mixed line ends', 'HTTP/1.1 200 OK\ncontent-length: 2\r\n\nok', { status: 200, body: 'ok', reused: true }],
  ['mixed line ends, the other way', 'HTTP/1.1 200 OK\r\nx: 1\n\r\n', { status: 200, reused: false, closes: true }],
  [
    'a bare end before what looks like the usual one',
    'HTTP/1.1 200 OK\ncontent-length: 6\n\nab\r\n\r\n',
    { status: 200, body: 'ab\r\n\r\n', reused: true },
  ],
  ['empty lines first', `\r\n\r\n${OK}${EMPTY}`, { status: 200, reused: false }],
  ['no space before the reason phrase', `HTTP/1.1 200OK\r\n${EMPTY}`, { status: 200, reused: true }],
  ['a minus before the reason phrase', `HTTP/1.1 404-Gone\r\n${EMPTY}`, { status: 404, reused: true }],
  ['CR CR LF', `${OK}content-length: 2\r\r\n\r\r\nok`, { status: 200, body: 'ok', reused: false }],
  ['CR CR LF after the status', `HTTP/1.1 202 OK\r\r\n${EMPTY}`, { status: 202, reused: false }],
  ['an end after the status line', OK, { status: 200, reused: false, closes: true }],
  ['an end after a header', `${OK}x: 1\r\n`, { status: 200, headers: ['x', '1'], reused: false, closes: true }],
  ['lower case', `http/1.1 200 ok\r\n${EMPTY}`, { status: 200, reused: true }],
  ['several spaces', `HTTP/1.1   200   OK\r\n${EMPTY}`, { status: 200, reused: true }],
  ['a version of two digits', `HTTP/1.12 200 OK\r\n${EMPTY}`, { status: 200, reused: true }],
  ['HTTP/1.0', `HTTP/1.0 200 OK\r\n${EMPTY}`, { status: 200, reused: false }],
  ['HTTP/1.0 that is kept', `HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n${EMPTY}`, { status: 200, reused: true }],
  ['HTTP/2 in name', `HTTP/2 200\r\n${EMPTY}`, { status: 200, reused: false }],
  ['a status beyond the classes', `HTTP/1.1 799 What\r\n${EMPTY}`, { status: 799, reused: true }],
  ['a body until the end', `${OK}\r\nall of it`, { status: 200, body: 'all of it', reused: false, closes: true }],
  ['connection: close', `${OK}Connection: foo, Close\r\n${EMPTY}`, { status: 200, reused: false }],
  ['bytes above 0x7f', `${OK}x-name: J\xf6rg\r\n${EMPTY}`, { status: 200, headers: ['x-name', 'Jörg'], reused: true }],
  [
    'control characters',
    `${OK}x-odd: a\x01\x7fb\r\n${EMPTY}`,
    { status: 200, headers: ['x-odd', 'a\x01\x7fb'], reused: true },
  ],
  ['a CR alone', `${OK}x-odd: a\rb\r\n${EMPTY}`, { status: 200, headers: ['x-odd', 'a b'], reused: false }],
  ['an odd name', `${OK}x odd (1): a\r\n${EMPTY}`, { status: 200, headers: ['x odd (1)', 'a'], reused: true }],
  ['a space before the colon', `${OK}x-odd : a\r\n${EMPTY}`, { status: 200, headers: ['x-odd', 'a'], reused: false }],
  ['a line without a colon', `${OK}What is this\r\n${EMPTY}`, { status: 200, reused: false }],
  ['a header without a name', `${OK}: a\r\n${EMPTY}`, { status: 200, reused: false }],
  ['an empty value', `${OK}x-empty:\r\n${EMPTY}`, { status: 200, headers: ['x-empty', ''], reused: true }],
  ['a folded header', `${OK}x-long: a\r\n  b\r\n${EMPTY}`, { status: 200, headers: ['x-long', 'a b'], reused: true }],
  [
    'folds by line feeds and tabs',
    `${OK}x-long: a\n\tb\n \t c\r\n d\n${EMPTY}`,
    { status: 200, headers: ['x-long', 'a b c d'], reused: true },
  ],
  [
    'a fold after an empty value',
    `${OK}x-long:\r\n a\r\n${EMPTY}`,
    { status: 200, headers: ['x-long', 'a'], reused: true },
  ],
  [
    'an empty fold',
    `${OK}x-long: a\r\n \r\n\tb\r\n${EMPTY}`,
    { status: 200, headers: ['x-long', 'a b'], reused: true },
  ],
  ['a fold before any header', `${OK} what\r\n${EMPTY}`, { status: 200, reused: false }],
  ['a folded length', `${OK}content-length:\r\n 2\r\n\r\nok`, { status: 200, body: 'ok', reused: true }],
  [
    'a folded framing',
    `${OK}transfer-encoding:\n\tchunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
    { status: 200, body: 'ok', reused: true },
  ],
  [
    'chunks',
    `${OK}Transfer-Encoding: Chunked\r\n\r\n2\r\nok\r\n3\r\nay!\r\n0\r\n\r\n`,
    { status: 200, body: 'okay!', reused: true },
  ],
  [
    'odd extensions',
    `${OK}transfer-encoding: chunked\r\n\r\n2 ; a="b;c" ;;\r\nok\r\n000;x\r\n\r\n`,
    { status: 200, body: 'ok', reused: true },
  ],
  [
    'spaces around sizes',
    `${OK}transfer-encoding: chunked\r\n\r\n 2  \r\nok\r\n0\t\r\n\r\n`,
    { status: 200, body: 'ok', reused: true },
  ],
  [
    'chunks with line feeds alone',
    `${OK}transfer-encoding: chunked\n\n2\nok\n0\n\n`,
    { status: 200, body: 'ok', reused: true },
  ],
  [
    'trailers',
    `${OK}transfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-sum: 1\r\ny: 2\r\n\r\n`,
    { status: 200, body: 'ok', reused: true },
  ],
  [
    'a length twice',
    `${OK}content-length: 2\r\ncontent-length: 2, 2\r\n\r\nok`,
    { status: 200, body: 'ok', reused: true },
  ],
  [
    'identity',
    `${OK}transfer-encoding: identity\r\ncontent-length: 2\r\n\r\nok`,
    { status: 200, body: 'ok', reused: true },
  ],
  [
    'another coding',
    `${OK}transfer-encoding: x-rot13\r\n\r\nbx`,
    { status: 200, body: 'bx', reused: false, closes: true },
  ],
  [
    'chunks and a length',
    `${OK}content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
    { status: 200, body: 'ok', reused: false },
  ],
  [
    'two lengths',
    `${OK}content-length: 2\r\ncontent-length: 3\r\n\r\nok!`,
    { status: 200, body: 'ok!', reused: false, closes: true },
  ],
  [
    'a length that is none',
    `${OK}content-length: -1\r\n\r\nok`,
    { status: 200, body: 'ok', reused: false, closes: true },
  ],
  [
    'a body that breaks off',
    `${OK}content-length: 9\r\n\r\nok`,
    { status: 200, body: 'ok', reused: false, truncated: true, closes: true },
  ],
  [
    'a chunk size that is none',
    `${OK}transfer-encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n`,
    { status: 200, body: 'ok', reused: false, truncated: true },
  ],
  [
    'a chunk that is longer than it says',
    `${OK}transfer-encoding: chunked\r\n\r\n1\r\nok\r\n`,
    { status: 200, body: 'o', reused: false, truncated: true },
  ],
  [
    'an endless chunk size',
    `${OK}transfer-encoding: chunked\r\n\r\n${'f'.repeat(17)}\r\nok`,
    { status: 200, reused: false, truncated: true },
  ],
  [
    'interim responses',
    `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103\r\nlink: a\r\n b\r\n\r\nHTTP/1.1 201 Made\r\n${EMPTY}`,
    { status: 201, headers: [], reused: true },
  ],
  [
    'an offer to upgrade, in a final response',
    `${OK}Upgrade: h2,h2c\r\nConnection: Upgrade, Keep-Alive\r\ncontent-length: 2\r\n\r\nok`,
    { status: 200, body: 'ok', reused: true },
  ],
  [
    'an upgrade that it requires',
    `HTTP/1.1 426 Upgrade Required\r\nUpgrade: TLS/1.3\r\nConnection: Upgrade\r\n${EMPTY}`,
    { status: 426, reused: true },
  ],
  ['an empty length', `${OK}content-length:\r\n\r\nok`, { status: 200, body: 'ok', reused: false, closes: true }],
  [
    'a length with a sign',
    `${OK}content-length: +2\r\n\r\nok`,
    { status: 200, body: 'ok', reused: false, closes: true },
  ],
  [
    'identity, by HTTP/1.0',
    `HTTP/1.0 200 OK\r\nTransfer-Encoding: identity\r\ncontent-length: 2\r\n\r\nok`,
    { status: 200, body: 'ok', reused: false },
  ],
  [
    'chunks by HTTP/1.0',
    `HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
    { status: 200, body: 'ok', reused: false },
  ],
  [
    'UTF-8 in a value',
    `${OK}x-name: J\xc3\xb6rg\r\n${EMPTY}`,
    { status: 200, headers: ['x-name', 'J\xc3\xb6rg'], reused: true },
  ],
  ['a body after 204', `HTTP/1.1 204 No Content\r\n\r\n{"ok":true}`, { status: 204, body: '', reused: false }],
  ['a body that 204 announces', `HTTP/1.1 204 No Content\r\ncontent-length: 4\r\n\r\n`, { status: 204, reused: false }],
  [
    'chunks that 204 announces',
    `HTTP/1.1 204 No Content\r\ntransfer-encoding: chunked\r\n\r\n`,
    { status: 204, reused: false },
  ],
  ['a length of 304', `HTTP/1.1 304 Not Modified\r\ncontent-length: 4\r\n\r\n`, { status: 304, reused: true }],
  ['an empty line behind', `${OK}content-length: 2\r\n\r\nok\r\n`, { status: 200, body: 'ok', reused: false }],
  ['rubbish behind', `${OK}content-length: 2\r\n\r\nok\0\0rubbish`, { status: 200, body: 'ok', reused: false }],
  ['another response behind', `${OK}${EMPTY}HTTP/1.1 500 Smuggled\r\n${EMPTY}`, { status: 200, reused: false }],
  [
    'a response behind chunks',
    `${OK}transfer-encoding: chunked\r\n\r\n0\r\n\r\nHTTP/1.1 500 Smuggled\r\n${EMPTY}`,
    { status: 200, reused: false },
  ],
  [
    'lengths hidden by a space',
    `${OK}content-length : 0\r\ncontent-length: 40\r\n\r\n${`HTTP/1.1 500 S\r\n${EMPTY}`}`,
    { status: 200, reused: false, closes: true },
  ],
]

describe('a response', () => {
  it('can come in many small chunks, within a bound for what is not content', async () => {
    const chunks = (count: number) => `${OK}transfer-encoding: chunked\r\n\r\n${'1\r\nx\r\n'.repeat(count)}0\r\n\r\n`
    const many = await exchangeTwice(chunks(10_000))
    expect([many.text, many.first.truncated, many.isReused]).toEqual(['x'.repeat(10_000), false, true])
    await receiver.close()
    const tooMany = await exchangeTwice(chunks(14_000))
    expect(tooMany.first).toMatchObject({ status: 200, truncated: true })
    expect(tooMany.isReused).toBe(false)
  })

  it('is read beyond what is recorded, so that the connection can be kept, within a bound', async () => {
    const body = (size: number) => `${OK}content-length: ${size}\r\n\r\n${'x'.repeat(size)}`
    const large = await exchangeTwice(body(131_072))
    expect(large.first).toMatchObject({ status: 200, failure: null, truncated: true })
    expect([large.text.length < 32_768, large.isReused]).toEqual([true, true])
    await receiver.close()
    expect((await exchangeTwice(body(131_073))).isReused).toBe(false)
  })

  it.each<[string, string]>([
    ['in one line', `x: ${'y'.repeat(100_000)}\r\n`],
    ['in many lines', 'Set-Cookie: a=b; path=/\r\n'.repeat(4_000)],
    ['in lines that end with line feeds', 'Set-Cookie: a=b; path=/\n'.repeat(4_000)],
    ...[16_386, 16_387, 16_388, 16_389].map(size => [`of ${size} bytes`, padded(size)] as [string, string]),
  ])('counts although its head is larger than 16 KiB, %s', async (_how, lines) => {
    const says = `${PAUSED}${lines}${CHUNKED}2\r\nok\r\n0\r\n\r\n`
    for (const pieces of [[says], [...(says.match(/[\s\S]{1,999}/g) as string[])]]) {
      const { first, isReused } = await exchangeTwice(says, { pieces })
      expect(first).toMatchObject({ status: 200, failure: null, truncated: true, retryAfter: '5' })
      expect(first.headers.slice(0, 2)).toEqual(['Retry-After', '5'])
      expect(first.headers.join('').length).toBeLessThan(16_384)
      expect([isReused, first.body.length]).toEqual([false, 0])
      await receiver.close()
    }
  })

  it('has a head of just 16 KiB like any other', async () => {
    const fixed = `${OK}${EMPTY}x: \r\n`
    const { first, isReused } = await exchangeTwice(`${OK}x: ${'y'.repeat(16_384 - fixed.length)}\r\n${EMPTY}`)
    expect(first).toMatchObject({ status: 200, truncated: false })
    expect(isReused).toBe(true)
  })

  it.each(READABLE)('%s', async (_name, says, { reused, body, headers, truncated = false, status, closes }) => {
    const { first, text, isReused } = await exchangeTwice(says, { isClosed: closes === true })
    expect(first).toMatchObject({ status, failure: null, detail: null, truncated })
    if (body !== undefined) expect(text).toBe(body)
    if (headers !== undefined) expect(first.headers.slice(0, headers.length)).toEqual(headers)
    expect(isReused).toBe(reused)
  })

  it.each(READABLE)('%s, a byte at a time', async (_name, says, { body, status, closes }) => {
    const { first, text } = await exchangeTwice(says, { isClosed: closes === true, pieces: [...says] })
    expect(first).toMatchObject({ status, failure: null })
    if (body !== undefined) expect(text).toBe(body)
  })
})

/** Responses that no one could accept, and what an attempt says about them. */
const UNREADABLE: readonly (readonly [name: string, says: string, detail: AttemptDetailCode, value: string | null])[] =
  [
    ['another protocol', 'SSH-2.0-OpenSSH_9.6\r\n', 'not_http', '0'],
    ['another protocol without lines', '\x15\x03\x01\x00\x02', 'not_http', '0'],
    ['a page without a head (HTTP/0.9)', '<html>', 'not_http', '0'],
    ['a typing error', 'HTTQ/1.1 200 OK\r\n\r\n', 'not_http', '3'],
    ['another protocol behind an interim response', 'HTTP/1.1 100 Continue\r\n\r\nwhat', 'not_http', '25'],
    ['no status', 'HTTP/1.1 OK\r\n\r\n', 'status_line', '9'],
    ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n', 'status_line', '9'],
    ['a status of four digits', 'HTTP/1.1 2000 OK\r\n\r\n', 'status_line', '9'],
    ['a status below 100', 'HTTP/1.1 099 OK\r\n\r\n', 'status_line', '9'],
    ['a negative status', 'HTTP/1.1 -200 OK\r\n\r\n', 'status_line', '9'],
    ['a zero byte in a value', `${OK}x: a\0b\r\n\r\n`, 'null_byte', '21'],
    ['a zero byte in the status line', 'HTTP/1.1 200 O\0K\r\n\r\n', 'null_byte', '14'],
    [
      'another protocol, by agreement',
      'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n',
      'protocol_switch',
      '0',
    ],
    ['a head that is too large', `${OK}x: ${'y'.repeat(263_000)}`, 'head_too_large', '262144'],
    ['a head of too many lines', `${OK}${'x: y\r\n'.repeat(44_000)}`, 'head_too_large', '262144'],
    [
      'an interim response with a head that is too large',
      `HTTP/1.1 103\r\nx: ${'y'.repeat(17_000)}\r\n\r\n`,
      'head_too_large',
      '16384',
    ],
    ['an endless reason phrase', `HTTP/1.1 200 ${'y'.repeat(17_000)}`, 'head_too_large', '16384'],
    ['empty lines and nothing else', '\r\n'.repeat(9_000), 'head_too_large', '16384'],
    ['too many interim responses', 'HTTP/1.1 103 Hint\r\n\r\n'.repeat(17), 'too_many_interim', null],
    [
      'interim responses that are too large',
      `HTTP/1.1 103 Hint\r\nx: ${'y'.repeat(13_000)}\r\n\r\n`.repeat(6),
      'too_many_interim',
      null,
    ],
  ]

describe('what is no response', () => {
  it.each(UNREADABLE)('%s', async (_name, says, code, value) => {
    receiver = await startRaw(socket => socket.write(says, 'latin1'))
    const exchange = await send(receiver.origin)
    const failure = code.startsWith('head') || code.startsWith('too') ? 'response_too_large' : 'response_malformed'
    expect(exchange).toMatchObject({ status: null, failure, detail: { code, ...(value === null ? {} : { value }) } })
  })

  it.each([
    ['nothing', '', 'closed'],
    ['half a head', `${OK}x: `, 'closed_in_head'],
    ['an interim response', 'HTTP/1.1 100 Continue\r\n\r\n', 'closed_in_head'],
  ])('a connection that ends after %s', async (_name, says, code) => {
    receiver = await startRaw(socket => socket.end(says))
    expect(await send(receiver.origin)).toMatchObject({ failure: 'connection_reset', detail: { code } })
  })
})

describe('responses of any kind', () => {
  const line = fc.oneof(
    fc.constantFrom(
      ...['HTTP/1.1 200 OK', 'HTTP/1.0 204', 'HTTP/1.1 103 Hint', 'content-length: 2', 'x: y', ' z', ':'],
    ),
    fc.constantFrom('transfer-encoding: chunked', 'content-length: 7, 8', 'connection: close', '2', 'ok', '0', '', ''),
    fc.string({ unit: 'binary-ascii', maxLength: 12 }),
    fc.string({ unit: fc.integer({ min: 0, max: 255 }).map(code => String.fromCharCode(code)), maxLength: 12 }),
  )
  const end = fc.constantFrom('\r\n', '\r\n', '\n', '\r', '')
  const anything = fc.array(fc.tuple(line, end), { maxLength: 12 }).map(parts => parts.flat().join(''))
  const usual = fc.constantFrom(...READABLE.map(([, says]) => says))
  const mutated = fc
    .tuple(usual, fc.nat(200), fc.nat(3), fc.string({ unit: 'binary-ascii', maxLength: 3 }))
    .map(([says, at, length, other]) => says.slice(0, at) + other + says.slice(at + length))

  it('end each attempt, and are never the response to the next request', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(anything, mutated), fc.array(fc.nat(80), { maxLength: 4 }), async (says, cuts) => {
        const places = [0, ...cuts.toSorted((a, b) => a - b), says.length]
        const pieces = places.slice(1).map((place, nth) => says.slice(places[nth], place))
        const { first } = await exchangeTwice(says, { pieces, isClosed: true })
        await receiver.close()
        expect(first.status === null).toBe(first.failure !== null)
        expect(first.failure === null).toBe(first.detail === null)
        if (first.status !== null) expect(first.status).toBeGreaterThanOrEqual(200)
      }),
      { numRuns: 300 },
    )
    receiver = await startRaw(() => {})
  })
})
