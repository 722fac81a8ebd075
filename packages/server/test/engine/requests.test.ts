import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:tls'
import type { Authority } from '@posthorn/testkit'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { PosthornError } from '../../src/base/errors.ts'
import type { SentRequest } from '../../src/base/webhook-request.ts'
import { isSecretName } from '../../src/secrets/secret-headers.ts'
import type { EndpointResult } from '../../src/services/endpoints/endpoints.ts'
import type { HeaderInput } from '../../src/services/endpoints/extra-headers.ts'
import type { EndpointInput } from '../../src/services/endpoints/input.ts'
import type { Store } from '../../src/store/store.ts'
import { listDeliveries } from '../store/list-deliveries.ts'
import { inFolder, startPosthorn } from './harness.ts'

const SECRET = 'c2VjcmV0LXRva2VuLXdpdGgtcGFkZGluZw=='
const END_OF_HEAD = Buffer.from('\r\n\r\n')

/** Records every byte of each connection, and responds with 204 once a head has arrived. */
async function startRecorder(authority: Authority) {
  const { certPem: cert, keyPem: key } = await authority.issue({ names: ['localhost'] })
  const heard: Buffer[] = []
  const server = createServer({ cert, key }, socket => {
    const at = heard.push(Buffer.alloc(0)) - 1
    let isAnswered = false
    socket.on('error', () => {})
    socket.on('data', (chunk: Buffer) => {
      heard[at] = Buffer.concat([heard[at]!, chunk])
      if (isAnswered || !heard[at]!.includes(END_OF_HEAD)) return
      isAnswered = true
      socket.write('HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n')
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, heard, close: () => server.close() }
}

const nasty = fc.constantFrom(
  '\r\n',
  '\n',
  '\r',
  '\0',
  ' ',
  '\t',
  '%0d%0a',
  '%00',
  '\\',
  '#',
  '?',
  ':',
  '@',
  '/../',
  '//',
  '\u{1f600}',
  'é',
  '\u2028',
  '\r\n\r\nPOST /second HTTP/1.1\r\nHost: evil\r\n\r\n',
  'Host: evil',
  'Transfer-Encoding: chunked',
  ' HTTP/1.1',
  '\u010d\u010a',
  '0\r\n\r\n',
)
const text = fc.array(fc.oneof(nasty, fc.string({ maxLength: 5 })), { maxLength: 4 }).map(parts => parts.join(''))
const headerName = fc.oneof(
  fc.constantFrom(
    'x-a',
    'X-B',
    'X-Api-Key',
    'Host',
    'Content-Length',
    'Transfer-Encoding',
    'Connection',
    'Authorization',
    'Expect',
    'constructor',
  ),
  text,
)
/** Makes most members harmless, so that many inputs with a single nasty one are accepted. */
const mostly = <T>(harmless: T, arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(harmless) }, { weight: 2, arbitrary })
const headerValue: fc.Arbitrary<HeaderInput> = fc.oneof(
  { weight: 3, arbitrary: mostly('v', text) },
  { weight: 1, arbitrary: fc.record({ value: mostly('v', text), secret: fc.boolean() }) },
)
const signatureName = mostly(null, fc.oneof(fc.constantFrom('X-Signed', 'webhook-signed'), headerName))
const input = fc.record({
  path: mostly('hook', text),
  clientSecret: mostly(SECRET, text),
  headers: mostly(
    { 'x-z': { value: 'hidden', secret: true }, 'x-a': 'b' },
    fc.dictionary(headerName, headerValue, { maxKeys: 3, noNullPrototype: true }),
  ),
  signatureHeaders: mostly(null, fc.record({ id: signatureName, timestamp: signatureName, signature: signatureName })),
  // A payload can contain any text, which must stay inside the body.
  note: text,
})

const OURS = [
  'host',
  'connection',
  'content-type',
  'authorization',
  'x-apiversion',
  'user-agent',
  'x-posthorn-type',
  'content-length',
]

/** The names of what each request has of its own: `webhook-id` in any case (C10). */
const signatureNames = ({ signatureHeaders }: Pick<EndpointInput, 'signatureHeaders'>) => {
  const { id, timestamp, signature } = signatureHeaders ?? {}
  const names = ['webhook-id', id ?? 'webhook-id', timestamp ?? 'webhook-timestamp', signature ?? 'webhook-signature']
  return [...new Set(names.map(name => name.toLowerCase()))]
}

/** RFC 3986 §3.3, §3.4. */
const TARGET = /^(?:\/(?:[\w\-.~!$&'()*+,;=:@]|%[\dA-Fa-f]{2})*)+(?:\?(?:[\w\-.~!$&'()*+,;=:@/?]|%[\dA-Fa-f]{2})*)?$/

/** Parses one HTTP/1.1 request, and fails on anything else. */
function readRequest(bytes: Buffer) {
  const end = bytes.indexOf(END_OF_HEAD)
  const [line, ...fields] = bytes.subarray(0, end).toString('latin1').split('\r\n')
  const path = /^POST (\/[!-~]*) HTTP\/1\.1$/.exec(line!)?.[1]
  expect(path, line).toMatch(TARGET)
  const headers = fields.map(field => /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([\t -~\x80-\xff]*)$/.exec(field))
  expect(headers, JSON.stringify(fields)).not.toContain(null)
  const entries = headers.map(header => [header![1]!.toLowerCase(), header![2]!] as const)
  expect(new Set(entries.map(([name]) => name)).size).toBe(entries.length)
  const sent = headers.flatMap(header => [header![1]!, header![2]!])
  return { path: path!, sent, headers: Object.fromEntries(entries), body: bytes.subarray(end + END_OF_HEAD.length) }
}

/** What the attempt of a tenant's only delivery shows as sent, once it is settled. */
async function shownOf(store: Store, tenant: string): Promise<SentRequest> {
  await expect.poll(async () => (await listDeliveries(store, tenant))[0]?.attempts, { interval: 2 }).toBe(1)
  const [delivery] = await listDeliveries(store, tenant)
  const [attempt] = await store.read('listAttempts', { tenant, delivery: delivery!.id })
  return attempt!.request!
}

/** Headers as a receiver got them, without secrets and signature. */
const blanked = (sent: readonly string[], endpoint: EndpointInput) => {
  const isSecret = ([name, given]: [string, HeaderInput]) =>
    (typeof given === 'string' ? undefined : given.secret) ?? isSecretName(name)
  const secrets = Object.entries(endpoint.headers ?? {})
    .filter(isSecret)
    .map(([name]) => name.toLowerCase())
  return sent.map((text, at) => {
    const name = at % 2 === 1 ? sent[at - 1]!.toLowerCase() : ''
    if (name === 'authorization') return 'Bearer [secret]'
    if (secrets.includes(name)) return '[secret]'
    return name === signatureNames(endpoint).at(-1) ? '[signature]' : text
  })
}

it(
  'sends exactly one request, and shows it, whatever a tenant puts into URL, secret, headers and payload',
  { timeout: 60_000 },
  () =>
    inFolder(async (folder, authority) => {
      const recorder = await startRecorder(authority)
      const posthorn = await startPosthorn(folder, authority)
      let accepted = 0
      let refused = 0
      for (const [at, { path, note, ...given }] of fc.sample(input, 400).entries()) {
        const tenant = `t${at}`
        await posthorn.tenants.put(tenant, {})
        const endpoint: EndpointInput = { url: `https://localhost:${recorder.port}/${path}`, ...given }
        let registered: EndpointResult
        try {
          registered = await posthorn.endpoints.create(tenant, endpoint)
        } catch (error) {
          expect(error).toBeInstanceOf(PosthornError)
          refused++
          continue
        }
        const payload = { CoverId: '564200aa-7128-4a26-83a8-cf0201903fcc', note }
        await posthorn.publish(tenant, { type: 'COVER_REFERENCE', payload })
        await expect.poll(() => recorder.heard.length, { timeout: 5_000, interval: 2 }).toBe(++accepted)
        const sent = Buffer.from(JSON.stringify(payload))
        await expect
          .poll(() => recorder.heard.at(-1)!.length, { timeout: 5_000, interval: 2 })
          .toBeGreaterThan(sent.length)
        const request = readRequest(recorder.heard.at(-1)!)
        const own = Object.keys(given.headers).map(name => name.toLowerCase())
        expect(Object.keys(request.headers).sort()).toEqual([...OURS, ...signatureNames(given), ...own].sort())
        expect(request.headers.host).toBe(`localhost:${recorder.port}`)
        expect(request.headers.authorization).toBe(`Bearer ${given.clientSecret}`)
        expect(request.headers['content-length']).toBe(String(sent.length))
        expect(request.body.equals(sent)).toBe(true)
        const shown = await shownOf(posthorn.store, tenant)
        expect(shown.headers).toEqual(blanked(request.sent, endpoint))
        expect([shown.url, registered.endpoint.url]).toEqual(
          Array(2).fill(`https://localhost:${recorder.port}${request.path}`),
        )
      }
      expect(accepted).toBeGreaterThan(20)
      expect(refused).toBeGreaterThan(20)
      await posthorn.stop()
      recorder.close()
    }),
)
