/** What is sent as path and query, held against what the API shows, over TLS to a receiver that is strict about it. */
import { describe, expect, it } from 'vitest'
import { idBytes } from '../../src/base/ids.ts'
import { DELIVERIES, ENDPOINTS, useSending, WAIT } from './sending.ts'
import type { Json } from './setup.ts'

/** RFC 3986 §3.3, §3.4. */
const STRICT = /^(?:\/(?:[\w\-.~!$&'()*+,;=:@]|%[\dA-Fa-f]{2})*)+(?:\?(?:[\w\-.~!$&'()*+,;=:@/?]|%[\dA-Fa-f]{2})*)?$/
const token = JSON.stringify({ access_token: 'token', token_type: 'Bearer', expires_in: 3_600 })

const bench = useSending(({ path }) => {
  if (!STRICT.test(path)) return { status: 400 }
  if (path.startsWith('/token')) return { status: 200, body: token }
  return path.startsWith('/busy') ? { status: 503, headers: { 'retry-after': '3000' } } : { status: 204 }
})
const { get, patch, post, create } = bench
const paths = () => bench.receiver.requests.map(({ path }) => path)
const encoded = ({ body }: Json) => body.warnings.filter(({ code }: Json) => code === 'url_encoded')

const TARGETS = [
  ['/h?x={a}', '/h?x=%7Ba%7D'],
  [
    '/{a}|[b]^`"<>\\ c?{a}|[b]^`"<>\\ %c%',
    '/%7Ba%7D%7C%5Bb%5D%5E%60%22%3C%3E%5C%20c?%7Ba%7D%7C%5Bb%5D%5E%60%22%3C%3E%5C%20%25c%25',
  ],
  ['/\u00e9?\u{1f600}', '/%C3%A9?%F0%9F%98%80'],
  ["/a/../b/./%2e%2E//c?sig=a%2bB%2F='", "/a/../b/./%2e%2E//c?sig=a%2bB%2F='"],
  ['/trailing?', '/trailing?'],
] as const

describe('C3: path and query', () => {
  it.each(TARGETS)('%s arrives as %s, which the API shows as well', async (given, sent) => {
    const id = await create(given)
    const url = bench.receiver.url + sent
    const { attempts } = await bench.publishAndWait()
    expect(paths()).toEqual([sent])
    expect(attempts).toMatchObject([{ outcome: 'success', request: { url } }])
    expect((await get(`${ENDPOINTS}/${id}`)).body.url).toBe(url)
    expect((await get(`${DELIVERIES}`)).body.data).toMatchObject([{ endpointUrl: url }])
    for (const part of [given, sent]) {
      const found = await get(`${ENDPOINTS}?url=${encodeURIComponent(part)}`)
      expect(found.body.data, part).toMatchObject([{ id }])
    }
  })

  it('is shown with a warning that says what was changed, where it was changed', async () => {
    const given = {
      url: `${bench.receiver.url}/h?x={a}%`,
      oauth: { tokenUrl: `${bench.receiver.url}/token?[b] c`, clientId: 'a', clientSecret: 'b' },
    }
    const created = await post(ENDPOINTS, given)
    expect(created.body).toMatchObject({
      url: `${bench.receiver.url}/h?x=%7Ba%7D%25`,
      oauth: { tokenUrl: `${bench.receiver.url}/token?%5Bb%5D%20c` },
    })
    expect(encoded(created)).toEqual([
      {
        code: 'url_encoded',
        field: '/url',
        detail: `A URL cannot contain some of its characters, so Posthorn encoded them: { as %7B, } as %7D, % as %25. Requests are sent to ${created.body.url}.`,
      },
      {
        code: 'url_encoded',
        field: '/oauth/tokenUrl',
        detail: `A URL cannot contain some of its characters, so Posthorn encoded them: [ as %5B, ] as %5D, a space as %20. Requests are sent to ${created.body.oauth.tokenUrl}.`,
      },
    ])
    const one = `${ENDPOINTS}/${created.body.id}`
    expect(encoded(await patch(one, { url: `${bench.receiver.url}/{` }))).toHaveLength(1)
    expect(encoded(await patch(one, { url: `${bench.receiver.url}/%7B` }))).toEqual([])
    expect(encoded(await get(one))).toEqual([])
    await bench.publishAndWait()
    expect(paths()).toEqual(['/token?%5Bb%5D%20c', '/%7B'])
  })

  it('of an endpoint that an earlier version registered are sent and shown in the same way', async () => {
    const id = await create('/busy')
    const stored = `${bench.receiver.url}/busy|{c}?x={a}[b]%`
    const url = `${bench.receiver.url}/busy%7C%7Bc%7D?x=%7Ba%7D%5Bb%5D%25`
    await bench.run('update endpoint set url = $1 where id = $2', [stored, idBytes(id)])
    await bench.run('update endpoint_request set url = $1', [stored])
    await bench.announceChange(id)
    const { attempts } = await bench.publishAndWait()
    expect(attempts).toMatchObject([{ status: 503, request: { url } }])
    expect((await get(`${ENDPOINTS}/${id}`)).body.url).toBe(url)
    // The pause belongs to this URL, however it is stored.
    await expect.poll(async () => (await get(`${ENDPOINTS}/${id}`)).body.pausedUntil, WAIT).not.toBeNull()
    // A change of something else is no change of the URL.
    const changed = await patch(`${ENDPOINTS}/${id}`, { description: 'the same' })
    expect(changed.body.pausedUntil).not.toBeNull()
    expect((await get('/v1/audit')).body.data[0]).toMatchObject({ fields: ['description'] })
  })
})
