import type { Overview } from '@posthorn/client'
import { describe, expect, test } from 'vitest'
import type { Step, Steps } from '../src/lib/outcomes.ts'
import { firstOf, mattersOf, nameOf } from '../src/pages/overview/matters.ts'
import { verdictOf } from '../src/pages/overview/verdict.ts'

const AT = '2026-11-30T08:00:00.000Z'
const NOW = Date.parse(AT)
const ENDPOINT = { tenant: 'acme', endpoint: 'ep_1', uid: null, name: 'Billing', url: 'https://hooks.example.com/in' }

const CALM: Overview = {
  at: AT,
  tenant: null,
  backlog: { pending: 0, due: 0, oldestDueAt: null, oldestCreatedAt: null, countedAt: AT, complete: true },
  held: 0,
  setAside: 0,
  failing: { count: 0, tenants: 0, data: [] },
  disabled: { count: 0, tenants: 0, data: [] },
  expiring: { count: 0, tenants: 0, data: [] },
  replays: 0,
  replayBatches: 0,
  rejected: { since: AT, count: 0 },
}

function failing(count: number, listed = count): Overview['failing'] {
  const one = {
    failingSince: AT,
    lastError: null,
    lastStatus: null,
    lastFailureAt: null,
    pausedUntil: null,
    pending: 0,
  }
  const data = Array.from({ length: listed }, (_, index) => ({ ...ENDPOINT, ...one, endpoint: `ep_${index}` }))
  return { count, tenants: 1, data }
}

function steps(...all: Partial<Step>[]): Steps {
  const none = { delivered: 0, retrying: 0, exhausted: 0, cancelled: 0, p50: null, p95: null }
  return { stepMs: 60_000, steps: all.map((step, index) => ({ at: index * 60_000, ...none, ...step })) }
}

describe('whether webhooks arrive', () => {
  test('they do, if nothing fails', () => {
    expect(verdictOf(CALM, steps({ delivered: 9 }, {}))).toEqual({ kind: 'all' })
  })

  test('none does, if the newest attempts failed, whatever arrived before and though nothing is exhausted yet', () => {
    const outage = steps({ delivered: 900 }, { retrying: 12 }, { retrying: 14 })
    expect(verdictOf({ ...CALM, failing: failing(3) }, outage)).toEqual({ kind: 'none' })
  })

  test('most don’t, if most of the newest were exhausted', () => {
    const crash = steps({ delivered: 900 }, { delivered: 5, exhausted: 30 })
    expect(verdictOf({ ...CALM, failing: failing(3) }, crash)).toEqual({ kind: 'most' })
  })

  test('they do except at endpoints that fail', () => {
    const verdict = verdictOf({ ...CALM, failing: failing(3) }, steps({ delivered: 90, retrying: 200 }))
    expect(verdict).toEqual({ kind: 'except', endpoints: 3, tenants: 1 })
  })

  test('they do, but late, if the oldest has been due for a minute or more', () => {
    const oldestDueAt = new Date(NOW - 61_000).toISOString()
    const backlog = { ...CALM.backlog!, due: 4, pending: 4, oldestDueAt }
    expect(verdictOf({ ...CALM, backlog }, steps({ delivered: 9 }))).toEqual({ kind: 'late', waitingMs: 61_000 })
  })

  test('is not known, if nothing was sent', () => {
    expect(verdictOf(CALM, steps({}, {}))).toEqual({ kind: 'quiet' })
  })
})

describe('what needs attention', () => {
  test('nothing, if all is well', () => {
    expect(mattersOf(CALM, undefined, undefined, NOW)).toEqual([])
  })

  test('what fails comes before what will, and an expired secret is as urgent as a failing endpoint', () => {
    const secret = (expiresAt: string) => ({ ...ENDPOINT, secret: 'clientSecret' as const, expiresAt })
    const expiring = {
      count: 2,
      tenants: 1,
      data: [secret('2026-11-29T00:00:00.000Z'), secret('2026-12-09T00:00:00.000Z')],
    }
    const disabled = { count: 1, tenants: 1, data: [{ ...ENDPOINT, disabledAt: AT, reason: null, held: 2 }] }
    const overview = { ...CALM, expiring, disabled, failing: failing(1), setAside: 3, replays: 1 }
    expect(mattersOf(overview, undefined, undefined, NOW).map(({ kind }) => kind)).toEqual([
      'failing',
      'expiring',
      'setAside',
      'disabled',
      'expiring',
      'replays',
    ])
  })

  test('those that the overview doesn’t list are counted', () => {
    const [, , more] = mattersOf({ ...CALM, failing: failing(9, 2) }, undefined, undefined, NOW)
    expect(more).toEqual({ kind: 'moreFailing', count: 7 })
    const [countless] = mattersOf(
      { ...CALM, failing: { count: null, tenants: null, data: [] } },
      undefined,
      undefined,
      NOW,
    )
    expect(countless).toEqual({ kind: 'moreFailing', count: null })
  })

  test('partitions without a node, nodes that are lost and checks that fail come first', () => {
    const node = { id: 'n1', state: 'lost', host: 'a', seenAt: AT }
    const nodes = { data: [node], unassigned: { partitions: [1, 2], backlog: null } } as never
    const finding = { part: 'disk', message: 'full', advice: null }
    const checks = {
      data: [
        { level: 'warn', ...finding },
        { level: 'fail', ...finding },
      ],
    } as never
    expect(mattersOf({ ...CALM, failing: failing(1) }, nodes, checks, NOW)).toMatchObject([
      { kind: 'check', part: 'disk' },
      { kind: 'lost', host: 'a' },
      { kind: 'unassigned', count: 2 },
      { kind: 'failing' },
    ])
  })

  test('many of a kind don’t hide the others, and one alone isn’t hidden', () => {
    const rejected = { since: AT, count: 1 }
    const many = mattersOf({ ...CALM, failing: failing(20), rejected }, undefined, undefined, NOW)
    expect(firstOf(many).map(({ kind }) => kind)).toEqual([...Array(4).fill('failing'), 'rejected'])
    const five = mattersOf({ ...CALM, failing: failing(5), rejected }, undefined, undefined, NOW)
    expect(firstOf(five)).toEqual(five)
  })

  test('a name can’t turn the text after it around', () => {
    const endpoint = { tenant: 'acme', endpoint: 'ep_1', uid: null, url: null }
    expect(nameOf({ ...endpoint, name: 'fdp.\u202eexe.txt' })).toBe('fdp.\\u202eexe.txt')
    // Joiners and marks belong to names in Persian and Arabic.
    expect(nameOf({ ...endpoint, name: '\u0645\u06cc\u200c\u062e\u200f' })).toBe('\u0645\u06cc\u200c\u062e\u200f')
  })

  test('an endpoint is called by its name, its uid, or its host', () => {
    expect(nameOf(ENDPOINT)).toBe('Billing')
    expect(nameOf({ ...ENDPOINT, name: null, uid: 'b-7' })).toBe('b-7')
    expect(nameOf({ ...ENDPOINT, name: null })).toBe('hooks.example.com')
    expect(nameOf({ ...ENDPOINT, name: null, url: 'not a URL' })).toBe('not a URL')
  })
})
