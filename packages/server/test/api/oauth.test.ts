import { describe, expect, it } from 'vitest'
import type { Resolver } from '../../src/guard/lookup.ts'
import { policy, resolvesTo, TYPE } from '../services/setup.ts'
import { type Json, refused, useApi } from './setup.ts'

const bench = useApi()
const { get, post, patch } = bench
const ENDPOINTS = '/v1/tenants/acme/endpoints'
const ONE = `${ENDPOINTS}/hook`
const CLIENT = { tokenUrl: 'https://login.example.com/token', clientId: 'id', clientSecret: 'hidden-secret' }
const NEW = { uid: 'hook', url: 'https://hooks.example.com/a', types: [TYPE], oauth: CLIENT }

/** Resolves each host name as listed, and no other. */
const resolves =
  (addresses: Record<string, string>): Resolver =>
  (host, options, callback) => {
    const address = addresses[host]
    if (address !== undefined) return resolvesTo(address)(host, options, callback)
    callback(Object.assign(new Error('not found'), { code: 'ENOTFOUND' }), [])
  }

const use = (addresses: Record<string, string>) =>
  bench.useServices({ endpoints: bench.endpointsWith(policy(), resolves(addresses)) })

describe('oauth', () => {
  it('shows what tokens are requested with, and hides the secret', async () => {
    const oauth = { ...CLIENT, scope: 'a b', audience: 'hooks', resource: 'https://a.example/', credentialsIn: 'body' }
    const created = await post(ENDPOINTS, { ...NEW, oauth })
    const { clientSecret: _hidden, ...shown } = { ...oauth, resource: ['https://a.example/'] }
    expect(created.body.oauth).toEqual(shown)
    expect((await get(ONE)).body.oauth).toEqual(shown)
    const changed = await patch(ONE, { oauth: { ...CLIENT, resource: ['urn:a:b', 'https://b.example/c?d'] } })
    expect(changed.body.oauth).toMatchObject({ audience: null, resource: ['urn:a:b', 'https://b.example/c?d'] })
    expect((await patch(ONE, { oauth: { ...CLIENT, resource: [] } })).body.oauth.resource).toBeNull()
  })

  it.each([
    [{ audience: '' }, ['/oauth/audience']],
    [{ resource: 'relative' }, ['/oauth/resource']],
    [{ resource: 'https://a.example/#b' }, ['/oauth/resource']],
    [{ resource: ['urn:a:b', 'https://a.example/ c', 'x'] }, ['/oauth/resource/1', '/oauth/resource/2']],
    [{ resource: 'https://a.example/\u00e9' }, ['/oauth/resource']],
    [{ resource: Array(11).fill('urn:a:b') }, ['/oauth/resource']],
    [{ credentialsIn: 'query' }, ['/oauth/credentialsIn']],
  ])('is refused with %j', async (over, named) => {
    expect(refused(await post(ENDPOINTS, { ...NEW, oauth: { ...CLIENT, ...over } }))).toEqual([422, 'invalid', named])
  })

  it('is refused with the same reason as a url', async () => {
    for (const url of ['https://login.internal/token', 'http://login.example.com/', 'https://10.0.0.1/', 'nonsense']) {
      const answer = await post(ENDPOINTS, { ...NEW, url, oauth: { ...CLIENT, tokenUrl: url } })
      expect(refused(answer)).toEqual([422, 'invalid', ['/url', '/oauth/tokenUrl']])
      const [atUrl, atToken] = answer.body.errors.map(({ reason }: Json) => reason)
      expect(atToken).toEqual(expect.any(String))
      expect(atToken).toBe(atUrl)
    }
  })

  it('C3: is refused if the host of its tokenUrl resolves to an address that is not public', async () => {
    await use({
      'hooks.example.com': '93.184.215.14',
      'login.example.com': '10.1.2.3',
      'in.example.com': '169.254.169.254',
    })
    const answer = await post(ENDPOINTS, NEW)
    expect(refused(answer)).toEqual([422, 'invalid', ['/oauth/tokenUrl']])
    expect(answer.body.errors).toMatchObject([{ reason: 'address_not_public' }])
    expect(answer.text).not.toContain('10.1.2.3')
    const both = await post(ENDPOINTS, { ...NEW, url: 'https://in.example.com/' })
    expect(refused(both)).toEqual([422, 'invalid', ['/url', '/oauth/tokenUrl']])
    await use({ 'hooks.example.com': '93.184.215.14', 'login.example.com': '93.184.215.15' })
    expect((await post(ENDPOINTS, NEW)).status).toBe(201)
    await use({ 'login.example.com': '127.0.0.1' })
    expect(refused(await patch(ONE, { oauth: CLIENT }))).toEqual([422, 'invalid', ['/oauth/tokenUrl']])
    // What a call doesn't give is not looked up.
    expect((await patch(ONE, { name: 'n' })).status).toBe(200)
  })

  it("has the host of its tokenUrl looked up like that of its url, in the tenant's turns", async () => {
    const asked: (string | undefined)[][] = []
    const resolver: Resolver = (host, options, callback) => {
      asked.push([host, options.tenant])
      resolvesTo('93.184.215.14')(host, options, callback)
    }
    await bench.useServices({ endpoints: bench.endpointsWith(policy(), resolver) })
    expect((await post(ENDPOINTS, NEW)).status).toBe(201)
    expect(asked).toEqual([
      ['hooks.example.com', 'acme'],
      ['login.example.com', 'acme'],
    ])
  })

  it('has a warning if the host of its tokenUrl does not resolve, which names the member', async () => {
    await use({ 'hooks.example.com': '93.184.215.14' })
    const unresolved = ({ body }: { body: Json }) =>
      body.warnings.filter(({ code }: Json) => code === 'host_unresolved').map(({ field }: Json) => field)
    expect(unresolved(await post(ENDPOINTS, NEW))).toEqual(['/oauth/tokenUrl'])
    expect(unresolved(await patch(ONE, { url: 'https://gone.example.com/' }))).toEqual(['/url'])
    expect(unresolved(await patch(ONE, { url: 'https://gone.example.com/', oauth: CLIENT }))).toEqual([
      '/url',
      '/oauth/tokenUrl',
    ])
    expect(unresolved(await patch(ONE, { name: 'n' }))).toEqual([])
  })
})
