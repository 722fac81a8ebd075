import type { ApiKey, Setting } from '@posthorn/client'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { expiresAtOf, findKeys, isUsable, stateOf } from '../src/lib/api-keys.ts'
import { forEach } from '../src/lib/for-each.ts'
import { idTime } from '../src/lib/ids.ts'
import { PARTITIONS, rangesOf, rangesText } from '../src/lib/partitions.ts'
import { readablePath, valueAt } from '../src/lib/pointer.ts'
import { sentence } from '../src/lib/sentence.ts'
import { inUnits, matchesText, valueText } from '../src/lib/settings.ts'
import { browserOf } from '../src/lib/user-agent.ts'
import { changeOf, didOf, listOf, whatOf, whoOf } from '../src/pages/operate/audit-words.ts'

const NOW = Date.parse('2026-11-30T12:00:00Z')
const DAY_MS = 86_400_000

const aKey = (over: Partial<ApiKey> = {}): ApiKey => ({
  id: 'key_01jy4k8v3xf0c8wq2rn5s7t9ab',
  name: 'Shop backend',
  scope: 'publish',
  tenant: null,
  payloads: true,
  rateLimit: null,
  createdAt: '2026-05-03T08:00:00.000Z',
  expiresAt: null,
  revokedAt: null,
  ...over,
})
const inMs = (ms: number) => new Date(NOW + ms).toISOString()

describe('an API key', () => {
  it('is active, expires soon, has expired or was revoked', () => {
    const states: [Partial<ApiKey>, string][] = [
      [{}, 'active'],
      [{ expiresAt: inMs(15 * DAY_MS) }, 'active'],
      [{ expiresAt: inMs(14 * DAY_MS) }, 'expiring'],
      [{ expiresAt: inMs(1) }, 'expiring'],
      [{ expiresAt: inMs(0) }, 'expired'],
      [{ expiresAt: inMs(DAY_MS), revokedAt: inMs(-1) }, 'revoked'],
    ]
    for (const [over, state] of states) expect(stateOf(aKey(over), NOW)).toBe(state)
    expect((['active', 'expiring', 'expired', 'revoked'] as const).map(isUsable)).toEqual([true, true, false, false])
  })

  it('is found by a part of its name or id, by state, scope and tenant', () => {
    const keys = [aKey(), aKey({ id: 'key_b', name: 'Monitoring', scope: 'read', tenant: 'acme' })]
    const any = { q: '', states: [], scopes: [], tenant: null }
    const found = (over: Partial<typeof any> & object) =>
      findKeys(keys, { ...any, ...over }, NOW).map(({ name }) => name)
    expect(found({})).toHaveLength(2)
    expect(found({ q: ' moniT ' })).toEqual(['Monitoring'])
    expect(found({ q: 'KEY_B' })).toEqual(['Monitoring'])
    expect(found({ q: 'nothing' })).toEqual([])
    expect(findKeys(keys, { ...any, scopes: ['publish', 'all'] }, NOW)).toEqual([keys[0]])
    expect(findKeys(keys, { ...any, states: ['revoked'] }, NOW)).toEqual([])
    expect(findKeys(keys, { ...any, tenant: 'acme' }, NOW)).toEqual([keys[1]])
  })

  it('expires after some days, at the end of a chosen day, or never', () => {
    expect(expiresAtOf('never', '', NOW)).toBeNull()
    expect(expiresAtOf('30', '', NOW)).toBe(inMs(30 * DAY_MS))
    const at = expiresAtOf('date', '2026-12-31', NOW)
    expect(new Date(at ?? '').toLocaleDateString('en-CA')).toBe('2027-01-01')
    expect(new Date(at ?? '').getHours()).toBe(0)
    for (const wrong of ['', '2026-11-01', 'tomorrow', '31.12.2026']) {
      expect(expiresAtOf('date', wrong, NOW)).toBeUndefined()
    }
  })
})

describe('partitions', () => {
  it('are written as ranges', () => {
    expect(rangesText([])).toBe('')
    expect(rangesText([0, 1, 2, 7, 9, 10])).toBe('0–2, 7, 9–10')
  })

  it('are exactly those in the ranges', () => {
    const some = fc.uniqueArray(fc.nat(PARTITIONS - 1)).map(all => all.sort((a, b) => a - b))
    fc.assert(
      fc.property(some, numbers => {
        const ranges = rangesOf(numbers)
        const back = ranges.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, at) => first + at))
        expect(back).toEqual(numbers)
        ranges.slice(1).forEach(([first], at) => {
          expect(first).toBeGreaterThan(ranges[at]![1] + 1)
        })
      }),
    )
  })
})

describe('the path of a fault', () => {
  it('is written as in code, below the payload', () => {
    expect(readablePath('/payload', '/payload')).toBe('')
    expect(readablePath('/payload/lines/0/sku', '/payload')).toBe('lines[0].sku')
    expect(readablePath('/payload/a~1b/c~0d/e f', '/payload')).toBe('["a/b"]["c~d"]["e f"]')
    expect(readablePath('/payload/0', '/payload')).toBe('[0]')
    for (const other of ['tenant', '/type', '/payloads/a', '']) expect(readablePath(other, '/payload')).toBeNull()
  })

  it('leads to the value, and never to what objects inherit', () => {
    const payload = { lines: [{ sku: null, 'a/b': 2 }] }
    expect(valueAt(payload, '/payload/lines/0/a~1b', '/payload')).toBe(2)
    expect(valueAt(payload, '/payload/lines/0/sku', '/payload')).toBeNull()
    expect(valueAt(payload, '/payload', '/payload')).toBe(payload)
    for (const none of ['/payload/lines/1', '/payload/toString', '/payload/lines/0/sku/x', 'tenant']) {
      expect(valueAt(payload, none, '/payload')).toBeUndefined()
    }
  })
})

describe('an id', () => {
  it('says when it was made', () => {
    expect(idTime('aud_01jy4k8v3xf0c8wq2rn5s7t9aa')).toBe(Date.parse('2025-06-19T17:20:03.709Z'))
    for (const other of ['', 'aud_', 'aud_01jy4k8v3xf0c8wq2rn5s7t9au', 'order-7', '01jy4k8v3xf0c8wq2rn5s7t9aa']) {
      expect(idTime(other)).toBeNull()
    }
  })
})

describe('a short statement', () => {
  it('is a sentence, but names and paths stay as they are', () => {
    expect(sentence('other users have access')).toBe('Other users have access.')
    expect(sentence('on: endpoints are allowed')).toBe('On: endpoints are allowed.')
    expect(sentence('1.4 GiB free')).toBe('1.4 GiB free.')
    expect(sentence('/var/lib can be written to')).toBe('/var/lib can be written to.')
    expect(sentence('maxBodyBytes is low')).toBe('maxBodyBytes is low.')
    expect(sentence('Ends well.')).toBe('Ends well.')
    expect(sentence('disk', false)).toBe('Disk')
    expect(sentence('')).toBe('.')
  })
})

describe('a setting', () => {
  const setting = {
    name: 'leaseMs',
    value: 10_000,
    description: 'How long a node keeps the right to send.',
    flag: '--lease-ms',
    variable: 'POSTHORN_LEASE_MS',
  } as unknown as Setting

  it('has its unit in words where its name ends with one', () => {
    expect(inUnits('leaseMs', 10_000)).toBe('10 s')
    expect(inUnits('leaseMs', 6_000)).toBe('6 s')
    expect(inUnits('maxBodyBytes', 1_048_576)).toBe('1 MB')
    expect(inUnits('retentionDays', 1)).toBe('1 day')
    expect(inUnits('sessionIdleHours', 12)).toBe('12 hours')
    expect([inUnits('payloadMemoryBytes', 0), inUnits('port', 80), inUnits('leaseMs', null)]).toEqual([
      null,
      null,
      null,
    ])
  })

  it('is written as in the file', () => {
    expect([valueText(true), valueText(['a', 'b']), valueText([]), valueText(null), valueText(0)]).toEqual([
      'true',
      'a, b',
      '',
      null,
      '0',
    ])
  })

  it('is found by all words that are typed, in any of its names, its value or its description', () => {
    for (const found of ['', 'lease', '--lease-ms', 'posthorn_lease', '10000', 'RIGHT node'])
      expect(matchesText(setting, found), found).toBe(true)
    for (const not of ['leased', 'lease port']) expect(matchesText(setting, not), not).toBe(false)
  })
})

describe('a browser', () => {
  it.each([
    ['Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', 'Firefox 140', 'Linux'],
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0',
      'Edge 142',
      'Windows',
    ],
    [
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Safari/605.1.15',
      'Safari 26',
      'macOS',
    ],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1',
      'Safari 18',
      'iPhone',
    ],
    [
      'Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36',
      'Chrome 142',
      'Android',
    ],
    ['curl/8.5.0', 'curl 8', null],
    ['something of our own', null, null],
  ])('is recognised by its user agent: %s', (userAgent, browser, system) => {
    expect(browserOf(userAgent)).toEqual({ browser, system })
  })
})

describe('an entry of the audit log', () => {
  const entry = {
    id: 'aud_01jy4k8v3xf0c8wq2rn5s7t9aa',
    at: '2026-11-30T07:53:13.126Z',
    actor: { kind: 'key' as const, key: 'key_01jy4k8v3xf0c8wq2rn5s7t9ab', name: 'ops', address: '192.0.2.1' },
    action: 'updated' as const,
    target: { type: 'endpoint' as const, id: 'ep_01jy4k8v3xf0c8wq2rn5s7t9aa' },
    tenant: 'acme',
    fields: ['url', 'types', 'unheardOf'],
  }

  it('says in words who did what to what', () => {
    expect(whoOf(entry)).toBe('ops')
    expect(changeOf(entry)).toBe('Changed URL, event types and unheardOf of endpoint')
    expect(didOf({ ...entry, action: 'disabled', fields: [] })).toBe('disabled endpoint')
    expect(whatOf(entry)).toBe('ep_01jy4…t9aa')
    expect(whatOf({ ...entry, target: { type: 'event_type', id: 'order.shipped.to.the.customer' } })).toBe(
      'order.shipped.to.the.customer',
    )
    expect(whoOf({ ...entry, actor: { kind: 'system', key: null, name: null, address: null } })).toBe('Posthorn')
    const session = { type: 'session' as const, id: 'ses_1' }
    expect(changeOf({ ...entry, action: 'created', target: session, fields: [] })).toBe('Signed in')
    expect(listOf(['a'])).toBe('a')
  })
})

describe('calls for many', () => {
  it('are all made, at most six at a time, whatever some of them come to', async () => {
    let open = 0
    let most = 0
    const { done, failures } = await forEach(
      Array.from({ length: 20 }, (_, at) => at),
      async at => {
        most = Math.max(most, ++open)
        await Promise.resolve()
        open--
        if (at % 5 === 0) throw new Error(String(at))
      },
    )
    expect([done, failures.length, most <= 6]).toEqual([16, 4, true])
  })
})
