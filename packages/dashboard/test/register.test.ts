import { ApiError } from '@posthorn/client'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  bodyOf,
  checkedOf,
  type Draft,
  emptyDraft,
  errorsOf,
  faultsOf,
  filterProblems,
  isBeginning,
  parseFilter,
  refusedOf,
} from '../src/pages/register/draft.ts'

const draft = (over: Partial<Draft> = {}): Draft => ({
  ...emptyDraft('COVER_REFERENCE'),
  url: 'https://hooks.example.com/a',
  secret: 'c2VjcmV0LXRva2VuLXdpdGg=',
  ...over,
})

describe('what the form sends', () => {
  test('has nothing that was left empty', () => {
    expect(bodyOf(draft())).toEqual({
      url: 'https://hooks.example.com/a',
      types: ['COVER_REFERENCE'],
      clientSecret: 'c2VjcmV0LXRva2VuLXdpdGg=',
    })
  })

  test('has what was entered, in the units of the API', () => {
    const headers = [
      { id: 1, name: ' X-Env ', value: 'test', isSecret: false },
      { id: 2, name: 'X-Other', value: 'b', isSecret: true },
      { id: 3, name: '', value: '', isSecret: false },
    ]
    const entered = { timeout: '2.5', schedule: '30, 60 120', rateRequests: '5', rateSeconds: '60', uid: ' billing ' }
    expect(bodyOf(draft({ ...entered, headers, types: null, filter: '{"a":["b"]}', ordered: true }))).toMatchObject({
      timeoutMs: 2_500,
      schedule: [30, 60, 120],
      rateLimit: { requests: 5, perSeconds: 60 },
      uid: 'billing',
      headers: { 'X-Env': 'test', 'X-Other': { value: 'b', secret: true } },
      types: null,
      filter: { a: ['b'] },
      ordered: true,
    })
  })

  test('carries one kind of credentials only', () => {
    const oauth = draft({ credentials: 'oauth', tokenUrl: 'https://t.example.com/', clientId: 'me', oauthSecret: 's' })
    expect(bodyOf(oauth)).not.toHaveProperty('clientSecret')
    expect(bodyOf(oauth).oauth).toEqual({ tokenUrl: 'https://t.example.com/', clientId: 'me', clientSecret: 's' })
    expect(bodyOf(draft({ oauthSecret: 's' }))).not.toHaveProperty('oauth')
  })

  test('is checked, while one types, without what can’t be right yet', () => {
    expect(checkedOf(emptyDraft(undefined))).toEqual({})
    expect(checkedOf(draft({ secret: 'Bearer x', types: [] }))).toEqual({ url: 'https://hooks.example.com/a' })
    const checked = checkedOf(draft({ credentials: 'oauth', tokenUrl: 'https://t.example.com/', oauthSecret: 'hush' }))
    expect(JSON.stringify(checked)).not.toContain('hush')
    expect(checked.oauth).toMatchObject({ tokenUrl: 'https://t.example.com/', clientId: 'x' })
  })
})

describe('what is missing', () => {
  test('is said at its field', () => {
    expect(faultsOf(draft())).toEqual({})
    expect(Object.keys(faultsOf(emptyDraft(undefined)))).toEqual(['url', 'types', 'clientSecret'])
    expect(Object.keys(faultsOf(draft({ credentials: 'oauth', secret: '' })))).toEqual([
      'oauth/tokenUrl',
      'oauth/clientId',
      'oauth/clientSecret',
    ])
    expect(Object.keys(faultsOf(draft({ certificate: 'PEM' })))).toEqual(['clientCertificate/key'])
    expect(Object.keys(faultsOf(draft({ schedule: '30s', timeout: 'x', rateRequests: '1.5' })))).toEqual([
      'schedule',
      'timeoutMs',
      'rateLimit',
    ])
  })

  test('of a filter is said, whatever is typed', () => {
    expect(parseFilter('')).toEqual({ value: null })
    expect(parseFilter('[]').error).toContain('JSON object')
    expect(parseFilter('{"a": }').error).toBe('This is not JSON yet.')
    fc.assert(
      fc.property(fc.string(), text => {
        const { error } = parseFilter(text)
        expect(error === undefined || error.length > 0).toBe(true)
      }),
    )
  })
})

test('what the server says of a filter is shown at its place in it', () => {
  const fields = ['/filter/status/$nope', '/filter', '/filters', '/url'].map(field => ({ field, detail: field }))
  expect(filterProblems(fields).map(({ pointer }) => pointer)).toEqual(['/status/$nope', ''])
})

test.each([
  ['/url', 'url'],
  ['/types/3', 'types'],
  ['/filter/status/$nope', 'filter'],
  ['/oauth/tokenUrl', 'oauth/tokenUrl'],
  ['/oauth', 'oauth/tokenUrl'],
  ['/clientCertificate/key', 'clientCertificate/key'],
  ['/headers/x-env', 'headers/7'],
  ['/headers/x~1y', 'headers'],
  ['', ''],
])('an error at %j is shown at %j', (field, name) => {
  const headers = [{ id: 7, name: 'X-Env', value: '', isSecret: false }]
  expect(errorsOf([{ field, detail: 'No.' }], headers)).toEqual({ [name]: 'No.' })
})

test('a refusal without a field is one of the whole endpoint, and a failure is none', () => {
  const call = { method: 'POST', path: '/v1/tenants/acme/endpoints' }
  const problem = { type: '', title: '', status: 409, code: 'conflict', detail: 'Taken.' }
  expect(refusedOf(new ApiError(call, problem as never, { status: 409 }), [])).toEqual({ '': 'Taken.' })
  expect(refusedOf(new Error('away'), [])).toBeUndefined()
})

test.each([
  ['', true],
  ['h', true],
  ['https:/', true],
  ['https://hooks', true],
  ['https://hooks.', false],
  ['https://localhost/', false],
  ['http://', false],
  ['ftp', false],
])('%j can still become a URL: %j', (url, expected) => {
  expect(isBeginning(url)).toBe(expected)
})
