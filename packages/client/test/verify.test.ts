import { createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { Webhook } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import { VerificationError, type VerifyOptions, verify } from '../src/index.ts'

const NOW_MS = 1_790_000_000_000
const TIMESTAMP = String(NOW_MS / 1_000)
const ID = 'evt_01m86ab741etc96zvjzydbbv1x'
const BODY = '{"CoverId":"564200aa-7128-4a26-83a8-cf0201903fcc","big":12345678901234567890}'
const CLIENT_SECRET = 'c2VjcmV0LXRva2VuLXdpdGgtcGFkZGluZw=='
const SIGNING_SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
const now = () => NOW_MS

function signatureOf(secret: string, body = BODY, id = ID, timestamp = TIMESTAMP): string {
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`
}

const HEADERS = {
  authorization: `Bearer ${CLIENT_SECRET}`,
  'content-type': 'application/json',
  'webhook-id': ID,
  'webhook-timestamp': TIMESTAMP,
  'webhook-signature': signatureOf(SIGNING_SECRET),
}

function requestWith(headers: Record<string, string | undefined> = {}, body: string | null = BODY): Request {
  const all = Object.entries({ ...HEADERS, ...headers }).filter((entry): entry is [string, string] => !!entry[1])
  return new Request('https://receiver.example/hook', { method: 'POST', headers: all, body })
}

async function failureOf(request: Request, options: VerifyOptions): Promise<string> {
  const error = await verify(request, { now, ...options }).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof VerificationError)) throw new Error(`not a VerificationError: ${error}`)
  const told = `${error.message} ${JSON.stringify(error)}`
  for (const secret of [options.clientSecret, options.signingSecret].flat()) {
    if (secret !== undefined) expect(told).not.toContain(secret)
  }
  return `${error.check} ${error.reason} ${error.status}`
}

const BOTH = { clientSecret: CLIENT_SECRET, signingSecret: SIGNING_SECRET, now }

describe('verify', () => {
  it('C15: accepts a request made with both secrets and returns its bytes, id and payload', async () => {
    const webhook = await verify(requestWith(), BOTH)
    expect(Buffer.from(webhook.body).toString()).toBe(BODY)
    expect([webhook.id, webhook.test]).toEqual([ID, false])
    expect(webhook.json<{ CoverId: string }>().CoverId).toBe('564200aa-7128-4a26-83a8-cf0201903fcc')
    expect((await verify(requestWith({ 'x-posthorn-test': 'true' }), BOTH)).test).toBe(true)
  })

  it('has the type that the request names, and the payload, which is parsed when it is read', async () => {
    const webhook = await verify(requestWith({ 'x-posthorn-type': 'COVER_REFERENCE' }), BOTH)
    expect([webhook.type, webhook.payload]).toEqual(['COVER_REFERENCE', JSON.parse(BODY)])
    expect(webhook.payload).toBe(webhook.payload)
    expect((await verify(requestWith(), BOTH)).type).toBeNull()
    const broken = await verify(requestWith({ 'webhook-signature': signatureOf(SIGNING_SECRET, '{') }, '{'), BOTH)
    expect(() => broken.payload).toThrow(VerificationError)
  })

  it('C15: accepts either of two secrets of each kind', async () => {
    const other = `whsec_${Buffer.alloc(24, 9).toString('base64')}`
    const options = { clientSecret: ['new-one', CLIENT_SECRET], signingSecret: [other, SIGNING_SECRET], now }
    await verify(requestWith(), options)
    await verify(requestWith({ authorization: 'Bearer new-one', 'webhook-signature': signatureOf(other) }), options)
    await verify(requestWith({ 'webhook-signature': `v1,AAAA v2,x ${signatureOf(other)}` }), options)
  })

  it('reads the headers under the names that the endpoint has for them, and under no other', async () => {
    const { 'webhook-timestamp': timestamp, 'webhook-signature': signature } = HEADERS
    const none = { 'webhook-timestamp': undefined, 'webhook-signature': undefined }
    const renamed = { ...none, 'x-event': ID, 'x-time': timestamp, 'x-signature': signature }
    const signatureHeaders = { id: 'X-Event', timestamp: 'X-Time', signature: 'X-Signature' }
    const options = { ...BOTH, signatureHeaders }
    expect((await verify(requestWith({ ...renamed, 'webhook-id': undefined }), options)).id).toBe(ID)
    const { headers } = requestWith(renamed)
    expect((await verify({ headers: Object.fromEntries(headers), rawBody: BODY }, options)).id).toBe(ID)
    expect(await failureOf(requestWith(), options)).toBe('timestamp missing 401')
    expect(await failureOf(requestWith(renamed), BOTH)).toBe('timestamp missing 401')
    for (const name of ['x-event', 'x-signature']) {
      expect(await failureOf(requestWith({ ...renamed, [name]: undefined }), options)).toBe('signature missing 401')
    }
    expect(await failureOf(requestWith({ ...renamed, 'x-event': 'evt_other' }), options)).toBe('signature mismatch 401')
    const one = { ...BOTH, signatureHeaders: { signature: 'x-signature', id: undefined, timestamp: null } }
    await verify(requestWith({ 'webhook-signature': undefined, 'x-signature': signature }), one)
  })

  it('says which check failed', async () => {
    const bearer = { clientSecret: CLIENT_SECRET }
    expect(await failureOf(requestWith({ authorization: undefined }), bearer)).toBe('bearer missing 401')
    expect(await failureOf(requestWith({ authorization: `Basic ${CLIENT_SECRET}` }), bearer)).toBe('bearer missing 401')
    expect(await failureOf(requestWith({ authorization: `Bearer ${CLIENT_SECRET}x` }), bearer)).toBe(
      'bearer mismatch 401',
    )
    expect(await failureOf(requestWith({ authorization: 'Bearer ' }), bearer)).toBe('bearer missing 401')
    const signing = { signingSecret: SIGNING_SECRET }
    for (const timestamp of ['soon', '-1', '1e9', '17900000001790000000', `${TIMESTAMP}.0`]) {
      expect(await failureOf(requestWith({ 'webhook-timestamp': timestamp }), signing)).toBe('timestamp malformed 401')
    }
    expect(await failureOf(requestWith({ 'webhook-timestamp': undefined }), signing)).toBe('timestamp missing 401')
    for (const away of [-301, 301]) {
      const timestamp = String(Number(TIMESTAMP) + away)
      const headers = {
        'webhook-timestamp': timestamp,
        'webhook-signature': signatureOf(SIGNING_SECRET, BODY, ID, timestamp),
      }
      expect(await failureOf(requestWith(headers), signing)).toBe('timestamp expired 401')
      await verify(requestWith(headers), { ...signing, now, toleranceSeconds: 302 })
      expect(await failureOf(requestWith(headers), { ...signing, toleranceSeconds: Number.NaN })).toBe(
        'timestamp expired 401',
      )
    }
    for (const name of ['webhook-id', 'webhook-signature']) {
      expect(await failureOf(requestWith({ [name]: undefined }), signing)).toBe('signature missing 401')
    }
    for (const changed of [
      { 'webhook-id': 'evt_other' },
      { 'webhook-signature': 'v1,' },
      { 'webhook-signature': 'x' },
    ]) {
      expect(await failureOf(requestWith(changed), signing)).toBe('signature mismatch 401')
    }
    expect(await failureOf(requestWith({}, `${BODY} `), signing)).toBe('signature mismatch 401')
    expect(await failureOf(requestWith({}, null), signing)).toBe('signature mismatch 401')
  })

  it('refuses a body that is too large, already read or not JSON', async () => {
    expect(await failureOf(requestWith(), { ...BOTH, maxBodyBytes: 10 })).toBe('body too_large 413')
    expect(await failureOf(requestWith(), { ...BOTH, maxBodyBytes: Number.NaN })).toBe('body too_large 413')
    const read = requestWith()
    await read.text()
    expect(await failureOf(read, BOTH)).toBe('body missing 500')
    const webhook = await verify(requestWith({ 'webhook-signature': signatureOf(SIGNING_SECRET, '{') }, '{'), BOTH)
    expect(() => webhook.json()).toThrow(VerificationError)
  })

  it('refuses options that would check nothing, without quoting a secret', async () => {
    await expect(verify(requestWith(), {})).rejects.toThrow(TypeError)
    await expect(verify(requestWith(), { clientSecret: '' })).rejects.toThrow(TypeError)
    await expect(verify(requestWith(), { clientSecret: [CLIENT_SECRET, ''] })).rejects.toThrow(TypeError)
    await expect(verify(requestWith(), { clientSecret: [] })).rejects.toThrow(TypeError)
    const unset = { clientSecret: [CLIENT_SECRET, undefined as unknown as string] }
    await expect(verify(requestWith(), unset)).rejects.toThrow(TypeError)
    // An unset environment variable must not switch a check off.
    const missing = undefined as unknown as string
    await expect(verify(requestWith(), { ...BOTH, clientSecret: missing })).rejects.toThrow('clientSecret')
    await expect(verify(requestWith(), { ...BOTH, signingSecret: missing })).rejects.toThrow('signingSecret')
    for (const secret of ['', 'secret', 'whsec_', 'whsec_AAAA', `whsec_${Buffer.alloc(65).toString('base64')}`]) {
      const error = (await verify(requestWith(), { signingSecret: secret }).catch((thrown: unknown) => thrown)) as Error
      expect(error).toBeInstanceOf(TypeError)
      if (secret.length > 10) expect(error.message).not.toContain(secret)
    }
  })

  it('agrees with the Standard Webhooks library on signing and verifying', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 24, maxLength: 64 }), fc.json(), async (key, body) => {
        const secret = `whsec_${Buffer.from(key).toString('base64')}`
        const theirs = new Webhook(secret)
        const signature = theirs.sign(ID, new Date(NOW_MS), body)
        expect(signature).toBe(signatureOf(secret, body))
        await verify(requestWith({ 'webhook-signature': signature }, body), { signingSecret: secret, now })
      }),
      { numRuns: 50 },
    )
  })

  it('verifies an Ed25519 signature with the public key', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)
    const signature = sign(null, Buffer.from(`${ID}.${TIMESTAMP}.${BODY}`), privateKey).toString('base64')
    const options = { signingSecret: `whpk_${raw.toString('base64')}`, now }
    await verify(requestWith({ 'webhook-signature': `v1a,${signature}` }), options)
    // The same bytes labelled with the other version must not pass.
    expect(await failureOf(requestWith({ 'webhook-signature': `v1,${signature}` }), options)).toBe(
      'signature mismatch 401',
    )
    expect(await failureOf(requestWith({ 'webhook-signature': `v1a,${signature}` }, '{}'), options)).toBe(
      'signature mismatch 401',
    )
  })

  it('accepts a Node request, as a stream or with its raw body kept', async () => {
    const checks: ((request: IncomingMessage & { rawBody?: string; body?: unknown }) => Promise<unknown>)[] = [
      request => verify(request, BOTH),
      async request => {
        request.rawBody = (await request.toArray()).join('')
        return verify(request, BOTH)
      },
      async request => {
        request.body = Buffer.concat(await request.toArray())
        return verify(request, BOTH)
      },
      async request => {
        request.body = JSON.parse((await request.toArray()).join(''))
        return verify(request, BOTH).catch((error: VerificationError) => error.reason)
      },
      async request => {
        await request.toArray()
        return verify(request, BOTH).catch((error: VerificationError) => error.reason)
      },
      async request => {
        request.setEncoding('utf8')
        return verify(request, BOTH).catch((error: VerificationError) => error.reason)
      },
      async request => {
        await once(request, 'readable')
        request.read(5)
        return verify(request, BOTH).catch((error: VerificationError) => error.reason)
      },
      request => verify(request, { ...BOTH, maxBodyBytes: 9 }).catch((error: VerificationError) => error.reason),
    ]
    const results: unknown[] = []
    const server = createServer(async (request, response) => {
      results.push(await checks[results.length]!(request))
      response.end()
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    for (const _ of checks) {
      const outgoing = send({ port, method: 'POST', headers: HEADERS })
      outgoing.end(BODY)
      const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
      response.resume()
      await once(response, 'end')
    }
    server.close()
    expect(results.slice(0, 3)).toEqual(new Array(3).fill(expect.objectContaining({ id: ID })))
    expect(results.slice(3)).toEqual(['parsed', 'missing', 'parsed', 'missing', 'too_large'])
  })
})
