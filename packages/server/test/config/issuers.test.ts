import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { issuerList } from '../../src/config/issuers.ts'

const SECRET = 'a-client-secret-that-no-one-may-see'
const kind = issuerList()
const context = { folder: '.', readFile: () => '' }
const parse = (value: unknown) => kind.parse(value, { ...context, asText: false })
const grant = { claim: 'groups', value: 'operators', scope: 'all' }
const issuer = (over: object = {}) => ({
  id: 'login',
  issuer: 'https://login.example.com',
  clientId: 'posthorn',
  clientSecret: SECRET,
  grants: [grant],
  ...over,
})
const complaint = (value: unknown): string => {
  const parsed = parse(value)
  return parsed.ok ? '' : parsed.complaint
}

describe('the issuers of single sign-on', () => {
  it('have defaults for all that can be left out', () => {
    const parsed = parse([issuer()])
    expect(parsed).toMatchObject({
      ok: true,
      value: [
        {
          name: 'login',
          clientAuthentication: 'basic',
          scopes: ['openid', 'profile', 'email'],
          grants: [{ ...grant, tenant: null, payloads: true }],
          endsWithToken: false,
        },
      ],
    })
    expect(parsed.ok && parsed.value[0]!.clientSecret!.reveal()).toBe(SECRET)
    expect(JSON.stringify(parsed)).not.toContain(SECRET)
  })

  it('are the same in the environment, as JSON', () => {
    const text = kind.parse(JSON.stringify([issuer()]), { ...context, asText: true })
    expect(JSON.stringify(text)).toBe(JSON.stringify(parse([issuer()])))
    const broken = kind.parse(`[{"clientSecret":"${SECRET}",}]`, { ...context, asText: true })
    expect(broken).toMatchObject({ ok: false, complaint: expect.stringContaining('not valid JSON') })
    expect(JSON.stringify(broken)).not.toContain(SECRET)
  })

  it.each([
    ['https://login.example.com/', true],
    ['https://login.example.com/realms/posthorn', true],
    ['http://localhost:8080/realms/posthorn', true],
    ['http://127.0.0.1:8080', true],
    ['http://[::1]:8080', true],
    ['http://login.example.com', false],
    ['http://localhost.example.com', false],
    ['https://login.example.com?x', false],
    ['https://login.example.com#x', false],
    ['https://user:password@login.example.com', false],
    ['https://login.example.com/.well-known/openid-configuration', false],
    ['login.example.com', false],
    ['javascript:alert(1)', false],
    ['', false],
    [7, false],
  ])('%j as an issuer is accepted: %j', (url, isAccepted) => {
    expect(parse([issuer({ issuer: url })]).ok).toBe(isAccepted)
  })

  it.each([
    ['issuer 1: id is missing', issuer({ id: undefined })],
    ['issuer 1: id must be', issuer({ id: 'Log in' })],
    ['issuer 1: id must be', issuer({ id: '../x' })],
    ['issuer 1: clientId is missing', issuer({ clientId: undefined })],
    ['issuer 1: clientSecret must be', issuer({ clientSecret: '' })],
    ['issuer 1: clientSecret must be', issuer({ clientSecret: { value: SECRET } })],
    ['did you mean clientId?', issuer({ clientID: 'posthorn' })],
    ['issuer 1 has an unknown member', issuer({ [SECRET]: true })],
    ['with "openid" among them', issuer({ scopes: ['profile'] })],
    ['with "openid" among them', issuer({ scopes: 'openid' })],
    ['without any, no one could sign in', issuer({ grants: [] })],
    ['issuer 1, grant 1: value is missing', issuer({ grants: [{ claim: 'groups', scope: 'all' }] })],
    ['issuer 1, grant 1: claim is missing', issuer({ grants: [{ value: 'x', scope: 'all' }] })],
    ['issuer 1, grant 2: scope must be', issuer({ grants: [grant, { ...grant, scope: 'publish' }] })],
    ['issuer 1, grant 1: tenant must be', issuer({ grants: [{ ...grant, tenant: '' }] })],
    ['issuer 1, grant 1: payloads must be', issuer({ grants: [{ ...grant, payloads: 'no' }] })],
    ['endsWithToken must be', issuer({ endsWithToken: 'yes' })],
    ['clientAuthentication must be', issuer({ clientAuthentication: 'none' })],
    ['issuer 1 is not an object', null],
  ])('are refused with %j', (words, given) => {
    expect(complaint([given])).toContain(words)
    expect(complaint([given])).not.toContain(SECRET)
  })

  it('are at most 16, each with an id of its own', () => {
    expect(complaint([issuer(), issuer()])).toContain('two issuers have the same id')
    const many = Array.from({ length: 17 }, (_, at) => issuer({ id: `login-${at}` }))
    expect(complaint(many)).toContain('it has 17 issuers')
    expect(parse(many.slice(1)).ok).toBe(true)
  })

  it('C14: are never shown, whatever is wrong with them', () => {
    const anything = fc.dictionary(fc.constantFrom(...Object.keys(issuer()), 'x'), fc.jsonValue())
    fc.assert(
      fc.property(fc.array(anything, { minLength: 1, maxLength: 2 }), given => {
        const parsed = parse(given.map(each => ({ ...each, clientSecret: SECRET })))
        expect(JSON.stringify(parsed)).not.toContain(SECRET)
      }),
      { numRuns: 200 },
    )
  })
})
