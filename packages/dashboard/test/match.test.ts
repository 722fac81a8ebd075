import { describe, expect, test } from 'vitest'
import { idIn, matchScore } from '../src/lib/match.ts'

const best = (typed: string, ...names: readonly string[]) =>
  names.filter(name => matchScore(typed, name) > 0).sort((a, b) => matchScore(typed, b) - matchScore(typed, a))

describe('a match', () => {
  test('is what begins with the text first, then what has a word that does, then any other', () => {
    expect(
      best('re', 'Event types', 'Set aside', 'Failed retries', 'Replays', 'Register an endpoint', 'Share'),
    ).toEqual(['Replays', 'Register an endpoint', 'Failed retries', 'Share'])
  })

  test('takes words in any order, parts of names, and initials', () => {
    expect(matchScore('types event', 'Event types')).toBeGreaterThan(0)
    expect(matchScore('ref', 'COVER_REFERENCE')).toBeGreaterThan(0)
    expect(matchScore('ak', 'API keys')).toBeGreaterThan(0)
    expect(matchScore('cover x', 'COVER_REFERENCE')).toBe(0)
  })

  test('takes synonyms, and marks on letters don’t matter', () => {
    expect(matchScore('dead letter', 'Exhausted deliveries', 'failed dead letter queue')).toBeGreaterThan(0)
    expect(matchScore('zoe', 'Zoë')).toBe(1_000)
    expect(matchScore('exhausted', 'Exhausted deliveries')).toBeGreaterThan(
      matchScore('exhausted', 'Deliveries', 'exhausted'),
    )
  })

  test('is everything for nothing', () => {
    expect(matchScore('  ', 'Deliveries')).toBeGreaterThan(0)
  })
})

describe('an id in what was pasted', () => {
  test.each([
    ['evt_01jy4k8v3xf0c8wq2rn5s7t9ab', 'evt_01jy4k8v3xf0c8wq2rn5s7t9ab'],
    ['webhook-id: evt_01jy4k8v3xf0c8wq2rn5s7t9ab\n', 'evt_01jy4k8v3xf0c8wq2rn5s7t9ab'],
    ['https://x/deliveries/acme/dlv_01jy4k8v3xf0c8wq2rn5s7t9ac?range=24h', 'dlv_01jy4k8v3xf0c8wq2rn5s7t9ac'],
    ['{"id":"ep_01jy4k8v3xf0c8wq2rn5s7t9ab","a":1}', 'ep_01jy4k8v3xf0c8wq2rn5s7t9ab'],
    ['order-7', null],
    ['evt_01jy4k8v3xf0c8wq2rn5s7t9abc', null],
    ['my_evt_01jy4k8v3xf0c8wq2rn5s7t9ab', null],
  ])('%j', (text, id) => {
    expect(idIn(text)).toBe(id)
  })
})
