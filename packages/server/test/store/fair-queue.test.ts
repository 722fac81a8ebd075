import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FairQueue } from '../../src/store/fair-queue.ts'

type Work = { readonly tenant: string; readonly nth: number }

function queueOf(sizes: readonly (readonly [tenant: string, size: number])[]) {
  const queue = new FairQueue<Work, void>()
  sizes.forEach(([tenant, size], nth) => void queue.add({ tenant, nth }, size))
  return queue
}

const namesOf = (taken: readonly { readonly input: Work }[]) => taken.map(({ input }) => `${input.tenant}${input.nth}`)

describe('a fair queue', () => {
  it('gives each tenant a part of every commit, however much another has', () => {
    const queue = queueOf([...new Array(100).fill(['a', 1]), ['b', 1], ['c', 1]])
    expect(namesOf(queue.take({ total: 100, each: 3 }))).toEqual(['a0', 'a1', 'a2', 'b100', 'c101'])
    expect(queue.length).toBe(97)
  })

  it('lets the tenants that had no part in a full commit go first in the next', () => {
    const queue = queueOf(['a', 'b', 'c', 'a', 'b', 'c'].map(tenant => [tenant, 2] as const))
    expect(namesOf(queue.take({ total: 4, each: 2 }))).toEqual(['a0', 'b1'])
    expect(namesOf(queue.take({ total: 4, each: 2 }))).toEqual(['c2', 'a3'])
    expect(namesOf(queue.take({ total: 4, each: 2 }))).toEqual(['b4', 'c5'])
  })

  it('gives large work a commit of its own, and the others every second one', () => {
    const queue = queueOf([...new Array(2).fill(['a', 50]), ...new Array(6).fill(['b', 1])])
    const limits = { total: 100, each: 2 }
    const commits = Array.from({ length: 5 }, () => namesOf(queue.take(limits)))
    expect(commits).toEqual([['b2', 'b3'], ['a0'], ['b4', 'b5'], ['a1'], ['b6', 'b7']])
    expect([queue.length, queue.items]).toEqual([0, 0])
  })

  it('puts work back in front of what has arrived since', () => {
    const queue = queueOf([
      ['a', 1],
      ['a', 1],
      ['b', 1],
    ])
    const taken = queue.take({ total: 9, each: 9 })
    void queue.add({ tenant: 'a', nth: 3 }, 1)
    queue.putBack(taken)
    expect(namesOf(queue.take({ total: 9, each: 9 }))).toEqual(['a0', 'a1', 'a3', 'b2'])
  })

  it('keeps each tenant’s order, loses nothing, and lets no one wait for more than a turn of the others', () => {
    const work = fc.record({ tenant: fc.constantFrom('a', 'b', 'c', 'd'), size: fc.integer({ min: 1, max: 9 }) })
    const limits = fc.record({ total: fc.integer({ min: 1, max: 12 }), each: fc.integer({ min: 1, max: 6 }) })
    fc.assert(
      fc.property(fc.array(work, { maxLength: 60 }), limits, (works, { total, each }) => {
        const queue = queueOf(works.map(({ tenant, size }) => [tenant, size] as const))
        const seen: number[] = []
        const lastTurn = new Map<string, number>()
        for (let commit = 1; queue.length > 0; commit++) {
          const before = works.filter((_, nth) => !seen.includes(nth))
          const taken = queue.take({ total, each: Math.min(each, total) })
          expect(taken.length).toBeGreaterThan(0)
          if (taken.length > 1) expect(taken.reduce((sum, { size }) => sum + size, 0)).toBeLessThanOrEqual(total)
          for (const { input } of taken) {
            seen.push(input.nth)
            lastTurn.set(input.tenant, commit)
          }
          // Four tenants, of which each can have small work in one commit and large work in the next.
          for (const { tenant } of before) expect(commit - (lastTurn.get(tenant) ?? 0)).toBeLessThanOrEqual(16)
        }
        expect(seen.toSorted((one, other) => one - other)).toEqual(works.map((_, nth) => nth))
        for (const tenant of ['a', 'b', 'c', 'd']) {
          const own = seen.filter(nth => works[nth]!.tenant === tenant)
          expect(own).toEqual(own.toSorted((one, other) => one - other))
        }
        expect(queue.items).toBe(0)
      }),
    )
  })
})
