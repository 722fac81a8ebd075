/** What every receiver does, in whatever language it is written: tests to register in a file of Vitest's. */
// cspell:ignore größe schlüssel עברית
import { createAuthority } from '@posthorn/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Example, RunningExample } from './example.ts'
import { type Genuine, genuine, type HandMade, newId, newSigningSecret, send } from './requests.ts'
import { Sender, UNKNOWN_TYPE } from './sender.ts'

const PAYLOAD = { CoverId: '564200aa-7128-4a26-83a8-cf0201903fcc' }
const BODY = JSON.stringify(PAYLOAD)
const UNICODE = {
  CoverId: 'Müller & Söhne, 東京, עברית, 🎺, e\u0301, </script>, a line\u2028a paragraph\u2029, \u0000, \\u0041, "',
  größe: ['\u{10FFFF}', '\uFEFF', ''],
}
/** 950 kB. The API of Posthorn takes a megabyte by default. */
const LARGE = { CoverId: 'large', rows: Array.from({ length: 5_000 }, (_, index) => `${index} `.padEnd(97, 'ü')) }
const MAX_BYTES = 2 * 1024 * 1024
const PRINTED = { timeout: 15_000, interval: 20 }

/** While secrets are replaced: each receiver has both. */
const CLIENT = { new: 'second+secret/0123456789==', old: 'first-secret~0123456789' }
const SIGNING = { new: newSigningSecret(), old: newSigningSecret() }

/** Starts each of the receivers in turn, and one Posthorn for all of them. */
export function describeReceivers(examples: readonly Example[]): void {
  const authority = createAuthority()
  let sender: Sender

  beforeAll(async () => {
    sender = await Sender.start(await authority)
  })
  afterAll(() => sender?.close())

  describe.each(examples.map(example => ({ example, name: example.name })))('the receiver $name', ({ example }) => {
    let receiver: RunningExample

    beforeAll(async () => {
      const certificate = await (await authority).issue({ names: ['localhost'], ips: ['127.0.0.1'] })
      const secrets = { client: [CLIENT.new, CLIENT.old], signing: [SIGNING.new, SIGNING.old] }
      receiver = await RunningExample.start(example, secrets, certificate)
    }, 90_000)
    afterAll(() => receiver?.stop())

    const valid = (more: Partial<Genuine> = {}) =>
      genuine({ body: BODY, token: CLIENT.new, signedWith: SIGNING.new, ...more })
    const post = (request: HandMade) => send(receiver.url, request)
    const idOf = ({ headers }: HandMade) => headers!['webhook-id']!

    /** Sends a genuine request and waits until the event is processed. */
    async function accepts(request: HandMade, payload: unknown): Promise<void> {
      expect(Math.floor((await post(request)) / 100), receiver.printed).toBe(2)
      await expect.poll(() => receiver.payloadOf(idOf(request)), PRINTED).toEqual(payload)
    }

    /** Expects that each request gets the status, and that nothing came of any of them. */
    async function refuses(status: number | readonly number[], requests: readonly HandMade[]): Promise<void> {
      for (const request of requests) {
        const what = `${request.method} ${JSON.stringify(request.headers)}\n${receiver.printed}`
        expect([status].flat(), what).toContain(await post(request))
      }
      // What is processed after the response would be by then.
      await accepts(valid(), PAYLOAD)
      for (const request of requests) {
        expect(await receiver.payloadOf(idOf(request))).toBeUndefined()
        expect(receiver.timesProcessed(idOf(request))).toBe(0)
      }
    }

    it('processes an event once, however often and by however many requests at a time it arrives', async () => {
      const request = valid()
      await accepts(request, PAYLOAD)
      expect(Math.floor((await post(request)) / 100)).toBe(2)
      const other = valid()
      const statuses = await Promise.all(Array.from({ length: 8 }, () => post(other)))
      expect(new Set(statuses.map(status => Math.floor(status / 100)))).toEqual(new Set([2]))
      await accepts(valid(), PAYLOAD)
      for (const one of [request, other]) {
        await expect.poll(() => receiver.timesProcessed(idOf(one)), PRINTED).toBe(1)
      }
    })

    it('refuses a wrong bearer token, or none', async () => {
      const wrong = ['x', `${CLIENT.new}x`, CLIENT.new.slice(0, -1), CLIENT.new.toUpperCase(), 'schlüssel', ' ']
      const headers = [...wrong.map(token => `Bearer ${token}`), CLIENT.new, `Basic ${CLIENT.new}`, 'Bearer']
      const { authorization: _, ...none } = valid().headers
      const requests = headers.map(authorization => valid({ headers: { authorization } }))
      await refuses(401, [...requests, { ...valid(), headers: none }, valid({ token: SIGNING.new })])
    })

    it('refuses a signature by another key, of another id, of another time, or none', async () => {
      const { 'webhook-signature': _, ...unsigned } = valid().headers
      const signature = (text: string) => valid({ headers: { 'webhook-signature': text } })
      const later = String(Math.floor(Date.now() / 1_000) + 7)
      await refuses(401, [
        valid({ signedWith: newSigningSecret() }),
        valid({ signedWith: `whsec_${Buffer.from(CLIENT.new).toString('base64')}` }),
        valid({ headers: { 'webhook-id': newId() } }),
        valid({ headers: { 'webhook-timestamp': later } }),
        { ...valid(), headers: unsigned },
        ...['', ' ', ',', 'v1', 'v1,', 'v1,%%%', 'v1,ü', 'v2,AAAA', 'v1,AAAA v1,AAAA', 'v1,AAAA,AAAA'].map(signature),
        signature(valid().headers['webhook-signature']!.replace('v1,', 'v1a,')),
        signature(valid().headers['webhook-signature']!.replace('v1,', '')),
        signature(valid().headers['webhook-signature']!.toLowerCase()),
      ])
    })

    it('refuses a body that was changed by one byte', async () => {
      const request = valid()
      const changed = (index: number) => {
        const body = Buffer.from(BODY)
        body[index]! ^= 1
        return body
      }
      const { headers } = valid()
      await refuses(401, [
        { ...request, body: changed(2) },
        { ...valid(), body: changed(BODY.length - 3) },
        { ...valid(), body: `${BODY} ` },
        { ...valid(), body: BODY.slice(0, -1) },
        { method: 'POST', headers, body: '' },
      ])
    })

    it('refuses a timestamp that is six minutes old, that far in the future, or no number', async () => {
      const odd = ['', 'now', '-1', '9'.repeat(30)].map(text => valid({ headers: { 'webhook-timestamp': text } }))
      await refuses(401, [valid({ away: -360 }), valid({ away: 360 }), ...odd])
    })

    it('takes two signatures of which the second is right, and others that it does not know', async () => {
      await accepts(valid({ signedWith: [newSigningSecret(), SIGNING.new] }), PAYLOAD)
      const known = valid()
      const list = `v1a,AAAA v9,AAAA ${known.headers['webhook-signature']}`
      await accepts({ ...known, headers: { ...known.headers, 'webhook-signature': list } }, PAYLOAD)
    })

    it('takes both secrets of each kind while they are replaced, and a scheme in any case', async () => {
      await accepts(valid({ token: CLIENT.old, signedWith: SIGNING.old }), PAYLOAD)
      await accepts(valid({ headers: { authorization: `bearer ${CLIENT.old}` } }), PAYLOAD)
    })

    it('takes Unicode, as it is and escaped, and JSON with spaces and line ends', async () => {
      await accepts(valid({ body: JSON.stringify(UNICODE) }), UNICODE)
      const escaped = JSON.stringify(UNICODE).replace(/[\u0080-\uffff]/g, one => {
        return `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`
      })
      await accepts(valid({ body: escaped }), UNICODE)
      await accepts(valid({ body: JSON.stringify(UNICODE, null, '\t').replaceAll('\n', '\r\n') }), UNICODE)
    })

    it('takes a megabyte, and refuses more than two without keeping it', async () => {
      await accepts(valid({ body: JSON.stringify(LARGE) }), LARGE)
      const tooLarge = valid({ body: JSON.stringify({ CoverId: 'x'.repeat(MAX_BYTES) }) })
      // Or it ends the connection before all of it was sent.
      const status = await post(tooLarge).catch((error: NodeJS.ErrnoException) => error.code)
      expect([413, 'ECONNRESET', 'EPIPE']).toContain(status)
      await accepts(valid(), PAYLOAD)
      expect(await receiver.payloadOf(idOf(tooLarge))).toBeUndefined()
    })

    it('takes a type that it does not know', async () => {
      const payload = { parcel: { number: 7, weights: [1.5, null, true] } }
      await accepts(valid({ body: JSON.stringify(payload) }), payload)
    })

    it('takes a test request without processing it', async () => {
      const request = valid({ headers: { 'x-posthorn-test': 'true' } })
      expect(Math.floor((await post(request)) / 100)).toBe(2)
      await accepts(valid(), PAYLOAD)
      expect(await receiver.payloadOf(idOf(request))).toBeUndefined()
    })

    it('refuses what is signed and is not JSON in UTF-8, or keeps it for later', async () => {
      if (example.takesAll) {
        expect(await post(valid({ body: 'CoverId=564200aa' }))).toBe(204)
        return accepts(valid(), PAYLOAD)
      }
      const bodies = ['', 'CoverId=564200aa', '{"CoverId":"564200aa"', '{"CoverId":"564200aa"} x', "{'CoverId':1}"]
      await refuses(
        400,
        bodies.map(body => valid({ body })),
      )
      await refuses([400, 401], [valid({ body: Buffer.from('{"CoverId":"Müller"}', 'latin1') })])
    })

    if (example.keepsIn !== undefined) {
      it('refuses an id that would be a path', async () => {
        await refuses(400, [valid({ id: `../${newId()}` }), valid({ id: 'a'.repeat(65) })])
      })
    }

    it('responds with 404 or 405 to anything else', async () => {
      expect([404, 405]).toContain(await post({ method: 'GET' }))
      await refuses([404, 405], [{ ...valid(), method: 'PUT' }])
      if (example.takesAll) return
      const elsewhere = valid()
      for (const path of ['/', '/webhooks/other', '/webhook']) {
        expect(await send(new URL(path, receiver.url).href, elsewhere), path).toBe(404)
      }
      expect(await receiver.payloadOf(idOf(elsewhere))).toBeUndefined()
    })

    it('processes once what a real Posthorn sends it, while the endpoint gets new secrets', async () => {
      const secrets = { clientSecret: CLIENT.old, signingSecret: SIGNING.old }
      const endpoint = await sender.register(receiver.url, secrets)
      const arrives = async (type: string, payload: unknown) => {
        const id = await endpoint.publish(type, payload)
        await expect.poll(() => receiver.payloadOf(id), PRINTED).toEqual(payload)
        return id
      }
      const first = await arrives('COVER_REFERENCE', PAYLOAD)
      await arrives('COVER_REFERENCE', { ...UNICODE, ...PAYLOAD })
      await arrives('COVER_REFERENCE', { ...LARGE, ...PAYLOAD })
      await arrives(UNKNOWN_TYPE, { parcel: { number: 7 } })
      const test = await endpoint.test()
      await endpoint.sendAgain(first)
      await endpoint.replaceSecrets({ clientSecret: CLIENT.new, signingSecret: SIGNING.new })
      await arrives('COVER_REFERENCE', PAYLOAD)
      expect(receiver.timesProcessed(first)).toBe(1)
      expect(await receiver.payloadOf(test)).toBeUndefined()
    })
  })
}
