import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DELIVERY_STATES } from '../../src/base/model.ts'
import { type Sibling, standingOf } from '../../src/store/operations/replays/standing.ts'

const AS_OF_MS = 10
const aSibling = (over: Partial<Sibling>): Sibling => ({
  id: 'a',
  state: 'exhausted',
  createdAtMs: 1,
  endedAtMs: 2,
  ...over,
})
const of = (...siblings: Partial<Sibling>[]) => standingOf(siblings.map(aSibling), AS_OF_MS)

describe("an event's standing at an endpoint", () => {
  it('is decided by the latest delivery that ended', () => {
    expect(of({ id: 'a' }, { id: 'b', state: 'delivered' })).toMatchObject({ state: 'delivered', latest: 'b' })
    expect(of({ id: 'b' }, { id: 'a', state: 'delivered' })).toMatchObject({ state: 'exhausted', latest: 'b' })
  })

  it('is not decided by a cancelled delivery unless there is no other', () => {
    expect(of({ id: 'a' }, { id: 'b', state: 'cancelled' })).toMatchObject({ state: 'exhausted', latest: 'a' })
    expect(of({ id: 'a', state: 'cancelled' }, { id: 'b', state: 'cancelled' })).toMatchObject({
      state: 'cancelled',
      latest: 'b',
    })
  })

  it('is live while a delivery is pending or held, or was at the moment in question', () => {
    for (const state of ['pending', 'held'] as const) {
      expect(of({ id: 'a' }, { id: 'b', state, endedAtMs: null })).toEqual({ kind: 'live' })
    }
    expect(of({ id: 'a', endedAtMs: AS_OF_MS + 1 })).toEqual({ kind: 'live' })
    expect(of({ id: 'a', endedAtMs: AS_OF_MS })).toMatchObject({ kind: 'ended' })
  })

  it('is none if there was no delivery; a delivery created later overtakes it', () => {
    expect(of()).toEqual({ kind: 'none', isOvertaken: false })
    expect(of({ createdAtMs: AS_OF_MS + 1 })).toEqual({ kind: 'none', isOvertaken: true })
    const made = { id: 'b', createdAtMs: AS_OF_MS + 1, state: 'delivered', endedAtMs: AS_OF_MS + 2 } as const
    expect(of({ id: 'a' }, made)).toMatchObject({ latest: 'a', state: 'exhausted', isOvertaken: true })
  })

  it('does not depend on the order in which deliveries are read', () => {
    const sibling = fc.record({
      id: fc.string({ minLength: 1, maxLength: 2 }),
      state: fc.constantFrom(...DELIVERY_STATES),
      createdAtMs: fc.nat(AS_OF_MS * 2),
      endedAtMs: fc.option(fc.nat(AS_OF_MS * 2)),
    })
    fc.assert(
      fc.property(fc.uniqueArray(sibling, { selector: ({ id }) => id, maxLength: 6 }), fc.nat(), (siblings, seed) => {
        const at = seed % (siblings.length + 1)
        const other = [...siblings.slice(at), ...siblings.slice(0, at)].reverse()
        expect(standingOf(other, AS_OF_MS)).toEqual(standingOf(siblings, AS_OF_MS))
      }),
    )
  })
})
