/** What is wrong with requests as HTTP, sent over raw sockets: some is refused by Node's parser, some by the API. */
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { beforeEach, describe, expect, it } from 'vitest'
import { PAYLOAD, TYPE } from '../services/setup.ts'
import { KEY, useApi } from './setup.ts'

// cspell:ignore xchunked

const bench = useApi()
const JSON_BODY = 'Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}'
const EMPTY_CHUNKS = '\r\n0\r\n\r\n'
let port: number

beforeEach(async () => {
  await bench.api.listen({ port: 0, host: '127.0.0.1' })
  port = (bench.api.server.address() as AddressInfo).port
})

/** Sends bytes, and returns what comes until the server closes the connection. */
function raw(bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(bytes)
  return text(socket)
}

const statusesIn = (answer: string) => [...answer.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(match => Number(match[1]))
const withoutDate = (answer: string) => answer.replace(/^date: .*\r\n/im, '')

const auth = (key: string) => `Authorization: Bearer ${key}\r\n`

/** A request with a key, or none, in place of `{key}`. */
type Case = readonly [what: string, bytes: string, status: number, code: string]

const REFUSED: readonly Case[] = [
  ['two Host headers', 'GET /v1/egress HTTP/1.1\r\nHost: a\r\nHost: a\r\n{key}\r\n', 400, 'bad_request'],
  [
    'two Host headers, written differently',
    'GET /v1/egress HTTP/1.1\r\nhost: a\r\n{key}HOST: b\r\n\r\n',
    400,
    'bad_request',
  ],
  [
    'two Authorization headers',
    `GET /v1/egress HTTP/1.1\r\nHost: a\r\n{key}${auth('x')}${auth(KEY)}\r\n`,
    400,
    'bad_request',
  ],
  [
    'two Content-Type headers',
    `POST /v1/tenants/acme/replays HTTP/1.1\r\nHost: a\r\n{key}Content-Type: text/plain\r\n${JSON_BODY}`,
    400,
    'bad_request',
  ],
  [
    'two Expect headers',
    `POST /v1/tenants/acme/replays HTTP/1.1\r\nHost: a\r\n{key}Expect: 100-continue\r\nExpect: 100-continue\r\n${JSON_BODY}`,
    400,
    'bad_request',
  ],
  [
    'two equal Content-Length headers',
    `POST /v1/tenants/acme/replays HTTP/1.1\r\nHost: a\r\n{key}Content-Length: 2\r\n${JSON_BODY}`,
    400,
    'bad_request',
  ],
  [
    'a list as Content-Length',
    'POST /v1/tenants/acme/replays HTTP/1.1\r\nHost: a\r\n{key}Content-Length: 2, 2\r\n\r\n{}',
    400,
    'bad_request',
  ],
  [
    'Content-Length with Transfer-Encoding',
    `POST /v1/tenants/acme/replays HTTP/1.1\r\nHost: a\r\n{key}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n${EMPTY_CHUNKS}`,
    400,
    'bad_request',
  ],
  [
    'Transfer-Encoding with Content-Length',
    `POST /v1/tenants/acme/replays HTTP/1.1\r\nHost: a\r\n{key}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n${EMPTY_CHUNKS}`,
    400,
    'bad_request',
  ],
  [
    'gzip, chunked',
    `POST /v1/tenants/acme/replays HTTP/1.1\r\nHost: a\r\n{key}Transfer-Encoding: gzip, chunked\r\n${EMPTY_CHUNKS}`,
    501,
    'not_implemented',
  ],
  [
    'gzip and chunked in two headers',
    `POST /v1/tenants/acme/events HTTP/1.1\r\nHost: a\r\n{key}Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n${EMPTY_CHUNKS}`,
    501,
    'not_implemented',
  ],
  [
    'another coding of a GET',
    `GET /v1/egress HTTP/1.1\r\nHost: a\r\n{key}Transfer-Encoding: deflate ,Chunked\r\n${EMPTY_CHUNKS}`,
    501,
    'not_implemented',
  ],
  [
    'gzip without chunked',
    'POST /v1/tenants/acme/replays HTTP/1.1\r\nHost: a\r\n{key}Transfer-Encoding: gzip\r\n\r\nx',
    400,
    'bad_request',
  ],
  [
    'identity',
    'POST /v1/tenants/acme/replays HTTP/1.1\r\nHost: a\r\n{key}Transfer-Encoding: identity\r\n\r\nx',
    400,
    'bad_request',
  ],
  [
    'a coding that ends like chunked',
    `POST /v1/tenants/acme/replays HTTP/1.1\r\nHost: a\r\n{key}Transfer-Encoding: xchunked\r\n${EMPTY_CHUNKS}`,
    400,
    'bad_request',
  ],
  [
    'chunked before another coding',
    `POST /v1/tenants/acme/replays HTTP/1.1\r\nHost: a\r\n{key}Transfer-Encoding: chunked, gzip\r\n${EMPTY_CHUNKS}`,
    400,
    'bad_request',
  ],
  [
    'chunked twice',
    `POST /v1/tenants/acme/replays HTTP/1.1\r\nHost: a\r\n{key}Transfer-Encoding: chunked, chunked\r\n${EMPTY_CHUNKS}`,
    400,
    'bad_request',
  ],
  [
    'Transfer-Encoding in HTTP/1.0',
    `POST /v1/tenants/acme/replays HTTP/1.0\r\n{key}Transfer-Encoding: chunked\r\n${EMPTY_CHUNKS}`,
    400,
    'bad_request',
  ],
  [
    'an unknown expectation',
    `POST /v1/tenants/acme/replays HTTP/1.1\r\nHost: a\r\n{key}Expect: 200-ok\r\n${JSON_BODY}`,
    417,
    'expectation_failed',
  ],
  [
    '100-continue with an unknown expectation',
    `POST /v1/tenants/acme/replays HTTP/1.1\r\nHost: a\r\n{key}Expect: 100-continue, x\r\n${JSON_BODY}`,
    417,
    'expectation_failed',
  ],
  [
    'an unknown expectation of a GET',
    'GET /v1/egress HTTP/1.1\r\nHost: a\r\n{key}Expect: nothing\r\n\r\n',
    417,
    'expectation_failed',
  ],
  ['no Host header', 'GET /v1/egress HTTP/1.1\r\n{key}\r\n', 400, 'bad_request'],
  ['no Host header, and a whole URL', 'GET http://a/v1/egress HTTP/1.1\r\n{key}\r\n', 400, 'bad_request'],
  ['a Host header that is no host', 'GET /v1/egress HTTP/1.1\r\nHost: a/b@c\r\n{key}\r\n', 400, 'bad_request'],
  ['a folded header', 'GET /v1/egress HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n{key}\r\n', 400, 'bad_request'],
  ['a space before the colon', 'GET /v1/egress HTTP/1.1\r\nHost : a\r\n{key}\r\n', 400, 'bad_request'],
  ['a NUL in a header', 'GET /v1/egress HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n{key}\r\n', 400, 'bad_request'],
  ['a bare LF', 'GET /v1/egress HTTP/1.1\nHost: a\n{key}\n', 400, 'bad_request'],
  ['a bare CR', 'GET /v1/egress HTTP/1.1\r\nHost: a\rX: b\r\n{key}\r\n', 400, 'bad_request'],
  ['an unknown method', 'FOO /v1/egress HTTP/1.1\r\nHost: a\r\n{key}\r\n', 400, 'bad_request'],
  ['a method in lower case', 'get /v1/egress HTTP/1.1\r\nHost: a\r\n{key}\r\n', 400, 'bad_request'],
  ['a relative target', 'GET v1/egress HTTP/1.1\r\nHost: a\r\n{key}\r\n', 400, 'bad_request'],
  ['HTTP/2.0 in words', 'GET /v1/egress HTTP/2.0\r\nHost: a\r\n{key}\r\n', 400, 'bad_request'],
  ['HTTP/1.2', 'GET /v1/egress HTTP/1.2\r\nHost: a\r\n{key}\r\n', 400, 'bad_request'],
  ['the beginning of an HTTP/2 connection', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 'bad_request'],
  ['CONNECT', 'CONNECT a:443 HTTP/1.1\r\nHost: a\r\n{key}\r\n', 501, 'not_implemented'],
  [
    'a path that cannot be decoded, and two Host headers',
    'GET /v1/%zz HTTP/1.1\r\nHost: a\r\nHost: a\r\n{key}\r\n',
    400,
    'bad_request',
  ],
]

describe('a request with a fault', () => {
  it.each(REFUSED)('is refused, whatever its key is: %s', async (_what, bytes, status, code) => {
    const answers = await Promise.all(['', auth(KEY), auth('wrong')].map(key => raw(bytes.replace('{key}', key))))
    for (const answer of answers) {
      expect(statusesIn(answer)).toEqual([status])
      const [head, body] = answer.split('\r\n\r\n') as [string, string]
      expect(head.toLowerCase()).toContain('\r\ncontent-type: application/problem+json')
      expect(head.toLowerCase()).toContain('\r\nconnection: close')
      expect(JSON.parse(body)).toMatchObject({ status, code, detail: expect.stringMatching(/^[A-Z].*\.$/) })
    }
    expect(new Set(answers.map(withoutDate)).size).toBe(1)
    // Nothing was done, and no key was tried.
    expect([bench.failedAuthentications(), bench.log]).toEqual([0, []])
    expect((await bench.get('/v1/tenants/acme/replays')).body.data).toEqual([])
  })

  it('is refused in its place, after the responses to the requests before it', async () => {
    const { publisher } = bench
    const started = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    await bench.useServices({
      publisher: {
        publishTest: (endpoint, type) => publisher.publishTest(endpoint, type),
        publish: async (tenant, body) => {
          started.resolve()
          await release.promise
          return publisher.publish(tenant, body)
        },
      },
    })
    await bench.api.listen({ port: 0, host: '127.0.0.1' })
    port = (bench.api.server.address() as AddressInfo).port
    const event = `{"type":"${TYPE}","payload":${PAYLOAD}}`
    const head = `POST /v1/tenants/acme/events HTTP/1.1\r\nHost: a\r\n${auth(KEY)}Content-Type: application/json\r\n`
    const publish = `${head}Content-Length: ${event.length}\r\n\r\n${event}`
    const badChunk = `${head}Transfer-Encoding: chunked\r\n\r\nzz\r\n`
    const nextFaults: readonly (readonly [string, number[]])[] = [
      // What is no request at all ends the connection.
      ['nonsense\r\n\r\n', [202]],
      [badChunk, [202, 400]],
      [`GET / HTTP/1.1\r\n\r\n`, [202, 400]],
      [`GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n`, [202, 400]],
    ]
    const answers = nextFaults.map(([bytes]) => raw(publish + bytes))
    await started.promise
    release.resolve()
    expect((await Promise.all(answers)).map(statusesIn)).toEqual(nextFaults.map(([, statuses]) => statuses))
  })
})

const ACCEPTED: readonly (readonly [what: string, bytes: string, statuses: number[]])[] = [
  ['HTTP/1.0 without a Host header', `GET /v1/egress HTTP/1.0\r\n${auth(KEY)}\r\n`, [200]],
  [
    'HTTP/1.0 with an expectation, which it does not have',
    `GET /v1/egress HTTP/1.0\r\n${auth(KEY)}Expect: x\r\n\r\n`,
    [200],
  ],
  ['a whole URL', `GET http://a:1/v1/egress HTTP/1.1\r\nHost: b\r\n${auth(KEY)}{close}\r\n`, [200]],
  [
    'a whole URL with https, in capital letters',
    `GET HTTPS://A/v1/egress HTTP/1.1\r\nHost: b\r\n${auth(KEY)}{close}\r\n`,
    [200],
  ],
  ['a whole URL, without a key', 'GET http://a/v1/nothing HTTP/1.1\r\nHost: b\r\n{close}\r\n', [401]],
  [
    'a whole URL, with a method that its path does not have',
    `PATCH http://a/v1/egress HTTP/1.1\r\nHost: b\r\n${auth(KEY)}{close}\r\n`,
    [405],
  ],
  ['a whole URL without a path', 'GET http://a?b HTTP/1.1\r\nHost: b\r\n{close}\r\n', [404]],
  [
    'a request to upgrade, which is ignored',
    `GET /v1/egress HTTP/1.1\r\nHost: a\r\n${auth(KEY)}Connection: close, Upgrade\r\nUpgrade: websocket\r\n\r\n`,
    [200],
  ],
  [
    'a request to upgrade with a body',
    `POST /v1/tenants/acme/replays HTTP/1.1\r\nHost: a\r\n${auth(KEY)}Connection: close, Upgrade\r\nUpgrade: h2c\r\n${JSON_BODY}`,
    [202],
  ],
  [
    '100-continue, however it is written',
    `POST /v1/tenants/acme/replays HTTP/1.1\r\nHost: a\r\n${auth(KEY)}{close}Expect: 100-Continue\r\n${JSON_BODY}`,
    [100, 202],
  ],
  [
    'chunked, however it is written',
    `POST /v1/tenants/acme/replays HTTP/1.1\r\nHost: a\r\n${auth(KEY)}{close}Transfer-Encoding: Chunked\r\n${EMPTY_CHUNKS}`,
    [202],
  ],
  [
    'a host with a port',
    `GET /v1/egress HTTP/1.1\r\nHost: posthorn.example.com:8470\r\n${auth(KEY)}{close}\r\n`,
    [200],
  ],
  ['an IPv6 address as the host', `GET /v1/egress HTTP/1.1\r\nHost: [::1]:8470\r\n${auth(KEY)}{close}\r\n`, [200]],
  ['an empty host', `GET /v1/egress HTTP/1.1\r\nHost:\r\n${auth(KEY)}{close}\r\n`, [200]],
  [
    'other headers twice',
    `GET /v1/egress HTTP/1.1\r\nHost: a\r\n${auth(KEY)}{close}Accept: a\r\nAccept: b\r\nX-Forwarded-For: c\r\nX-Forwarded-For: d\r\n\r\n`,
    [200],
  ],
  ['a method that no path has', `PROPFIND /v1/egress HTTP/1.1\r\nHost: a\r\n${auth(KEY)}{close}\r\n`, [405]],
]

it.each(ACCEPTED)('a request without a fault is not refused for one: %s', async (_what, bytes, statuses) => {
  const answer = await raw(bytes.replace('{close}', 'Connection: close\r\n'))
  expect(statusesIn(answer)).toEqual(statuses)
})
