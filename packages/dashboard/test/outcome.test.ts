import type { EventEndpoint, Replay, ReplayBatch } from '@posthorn/client'
import { expect, test } from 'vitest'
import { group, isUnderWay, sentenceOf } from '../src/pages/events/outcome.ts'
import {
  isMoving,
  outcomesOf,
  partsOf,
  sentenceOf as replaySentence,
  selectionOf,
  stageOf,
} from '../src/pages/replays/replay.ts'
import { bodyOf, isComplete, selectionIn, stateParameter } from '../src/pages/replays/selection.ts'

const endpoint = (state: EventEndpoint['state'], more: Partial<EventEndpoint> = {}): EventEndpoint => ({
  endpoint: 'ep_1',
  endpointUid: null,
  endpointUrl: 'https://example.com/hooks',
  state,
  reason: null,
  behind: null,
  heldReason: null,
  delivery: null,
  deliveryCount: 1,
  attemptCount: 0,
  lastAttempt: null,
  nextAttemptAt: null,
  endedAt: null,
  ...more,
})

const notMade = (reason: EventEndpoint['reason']) => endpoint('not_made', { reason })

test.each([
  [[], 'Sent to no one: the tenant has no endpoints.'],
  [[notMade('type')], 'The tenant’s only endpoint did not get it.'],
  [[notMade('type'), notMade('filter')], 'None of the tenant’s 2 endpoints got it.'],
  [[endpoint('being_made'), notMade('type')], 'Its deliveries are being created.'],
  [[endpoint('delivered'), notMade('type')], 'Delivered to the one endpoint that wants it.'],
  [[endpoint('delivered'), endpoint('delivered')], 'Delivered to all 2 endpoints that want it.'],
  [[endpoint('exhausted')], 'Not delivered to the one endpoint that wants it. 1 exhausted.'],
  [
    [endpoint('delivered'), endpoint('pending', { attemptCount: 2 }), endpoint('held'), endpoint('pending')],
    'Delivered to 1 of 4 endpoints that want it. 1 retrying, 1 pending, 1 held.',
  ],
] as const)('an event with %j reads: %s', (endpoints, sentence) => {
  expect(sentenceOf(endpoints, false, false)).toBe(sentence)
})

test('a reason that a newer server has is an unknown one', () => {
  expect(group([notMade('of_tomorrow' as 'type')]).notSent[0]?.[0]).toBe('unknown')
})

test('what is due within two seconds is followed closely, what waits for an hour is not', () => {
  const at = (ms: number) => endpoint('pending', { nextAttemptAt: new Date(ms).toISOString() })
  expect([isUnderWay(at(1_000), 0), isUnderWay(at(3_600_000), 0), isUnderWay(endpoint('delivered'), 0)]).toEqual([
    true,
    false,
    false,
  ])
})

const replay: Replay = {
  id: 'rpl_1',
  tenant: 'acme',
  key: null,
  state: 'running',
  states: ['exhausted'],
  statuses: null,
  missing: false,
  deliveries: 10,
  made: 4,
  skipped: 1,
  ended: 3,
  createdAt: '2026-11-30T08:00:00.000Z',
  endedAt: null,
  batch: null,
  endpoint: null,
  event: null,
  types: null,
  from: null,
  to: null,
}

test('a replay is done when its deliveries have ended, not when they are created', () => {
  expect(stageOf({ ...replay, state: 'done', ended: 3 })).toBe('sending')
  expect(stageOf({ ...replay, state: 'done', ended: 4 })).toBe('done')
  expect(isMoving({ ...replay, state: 'done', ended: 4 })).toBe(false)
  expect(isMoving({ ...replay, state: 'paused', ended: 3 })).toBe(true)
  expect(replaySentence({ ...replay, state: 'done', ended: 3 })).toBe(
    'All 4 deliveries are created; 1 is still being sent.',
  )
})

test('a replay across tenants is being searched for while its numbers can grow', () => {
  const { tenant: _tenant, batch: _batch, endpoint: _endpoint, event: _event, ...rest } = replay
  const batch: ReplayBatch = {
    ...rest,
    types: ['A'],
    from: rest.createdAt,
    to: rest.createdAt,
    searching: true,
    tenants: 2,
  }
  expect(replaySentence(batch)).toBe('Looking through the tenants. 2 tenants so far.')
})

test('the parts of a replay add up', () => {
  expect(partsOf(replay)).toEqual({ ended: 3, sending: 1, skipped: 1, left: 5 })
  expect(partsOf({ ...replay, deliveries: null }).left).toBeNull()
  expect(partsOf({ ...replay, state: 'cancelled' }).left).toBe(0)
})

test('a selection is said in words', () => {
  expect(outcomesOf({ states: ['delivered', 'exhausted'], missing: true })).toBe('Exhausted, delivered and missed')
  expect(selectionOf({ ...replay, types: ['A', 'B'], endpoint: 'ep_1' })).toBe('Exhausted · 2 types · one endpoint')
  expect(selectionOf({ ...replay, statuses: ['5xx', 'none'] })).toMatch(/^Exhausted · 5xx, none · /)
})

test('a selection in the URL is what the API is called with', () => {
  const search = { state: 'exhausted,delivered', type: 'A,B', endpoint: 'ep_1', from: '2026-11-30T06:00:00Z' }
  const selection = selectionIn(search, 'acme')
  expect(bodyOf(selection, search, Date.parse('2026-11-30T08:00:00Z'))).toEqual({
    from: '2026-11-30T06:00:00Z',
    to: '2026-11-30T08:00:00.000Z',
    states: ['exhausted', 'delivered'],
    missing: false,
    types: ['A', 'B'],
    endpoint: 'ep_1',
  })
})

test('exhausted is what is meant unless the URL says otherwise, and nothing is never meant', () => {
  expect(selectionIn({}, 'acme').states).toEqual(['exhausted'])
  expect(stateParameter(['exhausted'])).toBeUndefined()
  const none = selectionIn({ state: stateParameter([]) }, 'acme')
  expect([none.states, isComplete(none), isComplete({ ...none, missing: true })]).toEqual([[], false, true])
})

test('across tenants, types are needed and no endpoint is meant', () => {
  const selection = selectionIn({ endpoint: 'ep_1' }, null)
  expect([selection.endpoint, isComplete(selection), isComplete({ ...selection, types: ['A'] })]).toEqual([
    null,
    false,
    true,
  ])
})
