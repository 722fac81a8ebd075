/** What the API says about receivers and token servers that respond in an unusual way, over TLS. */
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { SECRET } from '../services/setup.ts'
import { ENDPOINTS, useSending } from './sending.ts'
import { refused } from './setup.ts'

const TOKEN = JSON.stringify({ access_token: 'a-token', token_type: 'Bearer', expires_in: 3_600 })
const BODIES: Readonly<Record<string, readonly [coding: string | null, body: Buffer]>> = {
  gzip: ['gzip', gzipSync(TOKEN)],
  'x-gzip': ['X-GZIP', gzipSync(TOKEN)],
  deflate: ['deflate', deflateSync(TOKEN)],
  br: ['br', brotliCompressSync(TOKEN)],
  zstd: ['zstd', zstdCompressSync(TOKEN)],
  identity: ['identity', Buffer.from(TOKEN)],
  'gzip, with its header dropped': [null, gzipSync(TOKEN)],
  bomb: ['gzip', gzipSync(Buffer.alloc(10_000_000, ' '))],
  'gzip in name': ['gzip', Buffer.from(TOKEN)],
  'cut off': ['gzip', gzipSync(TOKEN).subarray(0, 30)],
  unknown: ['x-packed', gzipSync(TOKEN)],
}

const bench = useSending(({ path, headers }) => {
  const [, kind, value] = decodeURIComponent(path).split('/') as [string, string, string]
  switch (kind) {
    case 'redirect':
      return { status: Number(value), headers: { location: '/elsewhere' } }
    case 'token': {
      const [coding, body] = BODIES[value]!
      return { status: 200, headers: coding === null ? {} : { 'content-encoding': coding }, body }
    }
    case 'compressed':
      return { status: 500, headers: { 'content-encoding': 'gzip' }, body: gzipSync('an error') }
    default:
      return { status: headers.authorization === 'Bearer a-token' ? 204 : 401 }
  }
})
const { create, post } = bench
const paths = () => bench.receiver.requests.map(({ method, path }) => `${method} ${path}`)

describe('a redirect', () => {
  it.each([301, 302, 303, 307, 308])('(%i) is not followed, and the attempt says where to', async status => {
    await create(`/redirect/${status}`)
    const { attempts } = await bench.publishAndWait()
    expect(attempts).toMatchObject([{ outcome: 'failure', status, error: 'http_redirect' }])
    expect(attempts[0].responseHeaders).toContainEqual(['location', '/elsewhere'])
    expect(paths()).toEqual([`POST /redirect/${status}`])
  })

  it('of a token server is not followed, so that no other server gets the credentials', async () => {
    const oauth = { tokenUrl: `${bench.receiver.url}/redirect/307`, clientId: 'a', clientSecret: SECRET }
    await create('/hook', { oauth, clientSecret: undefined })
    const { attempts } = await bench.publishAndWait()
    expect(attempts).toMatchObject([{ outcome: 'failure', status: null, error: 'token_unavailable' }])
    expect(paths()).toEqual(['POST /redirect/307'])
  })
})

describe('a compressed response', () => {
  const READABLE = [
    'gzip',
    'x-gzip',
    'deflate',
    'br',
    'zstd',
    'identity',
    'gzip in name',
    'gzip, with its header dropped',
  ]
  it.each(READABLE)('of a token server is decoded: %s', async coding => {
    const oauth = {
      tokenUrl: `${bench.receiver.url}/token/${encodeURIComponent(coding)}`,
      clientId: 'a',
      clientSecret: SECRET,
    }
    await create('/hook', { oauth, clientSecret: undefined })
    const { attempts } = await bench.publishAndWait()
    expect(attempts).toMatchObject([{ outcome: 'success', status: 204 }])
  })

  it.each(['bomb', 'cut off', 'unknown'])(
    'of a token server holds no token if it can not be decoded: %s',
    async kind => {
      const oauth = {
        tokenUrl: `${bench.receiver.url}/token/${encodeURIComponent(kind)}`,
        clientId: 'a',
        clientSecret: SECRET,
      }
      await create('/hook', { oauth, clientSecret: undefined })
      const { attempts } = await bench.publishAndWait()
      expect(attempts).toMatchObject([{ outcome: 'failure', error: 'token_unavailable' }])
    },
  )

  it('of a receiver counts by its status, and its body is not kept', async () => {
    await create('/compressed/')
    const { attempts } = await bench.publishAndWait()
    expect(attempts).toMatchObject([{ status: 500, error: 'http_server_error', responseBody: '' }])
    expect(bench.receiver.requests[0]!.headers['accept-encoding']).toBeUndefined()
  })
})

describe('a host name with a dot at the end', () => {
  it('is refused when an endpoint is registered, with what to do', async () => {
    const url = 'https://hooks.example.com./a'
    const oauth = { tokenUrl: url, clientId: 'a', clientSecret: SECRET }
    const answer = await post(ENDPOINTS, { url, oauth })
    expect(refused(answer)).toEqual([422, 'invalid', ['/url', '/oauth/tokenUrl']])
    expect(answer.body.errors[0].detail).toContain('without a dot at the end')
  })
})
