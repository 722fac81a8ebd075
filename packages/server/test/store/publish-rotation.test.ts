import fc from 'fast-check'
import { expect, it } from 'vitest'
import { PublishRotation } from '../../src/store/publish-rotation.ts'

type Request = { readonly input: { readonly tenant: string }; readonly size: number; readonly nth: number }
let nth = 0
const request = (tenant: string, size: number): Request => ({ input: { tenant }, size, nth: nth++ })
const tenantsOf = (requests: readonly Request[]) => requests.map(({ input }) => input.tenant).join('')

function rotation(...requests: readonly Request[]): PublishRotation<Request> {
  const made = new PublishRotation<Request>()
  for (const one of requests) made.add(one)
  return made
}

it('a small request is in the next commit, however many large ones of another tenant wait', () => {
  const waiting = rotation(...Array.from({ length: 8 }, () => request('a', 2_000)), request('b', 2))
  expect(tenantsOf(waiting.take(2_000))).toBe('a')
  // Tenant b was skipped because the first commit was full, and is first now.
  expect(tenantsOf(waiting.take(2_000))).toBe('b')
  waiting.add(request('b', 2))
  expect(tenantsOf(waiting.take(2_002))).toBe('ab')
})

it('a tenant has at most half of a commit while others wait, and all of it otherwise', () => {
  const waiting = rotation(...Array.from({ length: 20 }, () => request('a', 100)), request('b', 100))
  expect(tenantsOf(waiting.take(1_000))).toBe(`ab${'a'.repeat(4)}`)
  expect(tenantsOf(waiting.take(1_000))).toBe('a'.repeat(10))
})

it('what is put back is first again', () => {
  const waiting = rotation(request('a', 1), request('a', 1), request('b', 1))
  const taken = waiting.take(1_000)
  waiting.add(request('a', 1))
  waiting.putBack(taken)
  expect(waiting.length).toBe(4)
  const again = waiting.take(1_000).filter(({ input }) => input.tenant === 'a')
  expect(again.map(each => each.nth)).toEqual([...again.map(each => each.nth)].sort((a, b) => a - b))
})

it("each request is taken once, in its tenant's order, and a commit is not larger than it can be", () => {
  const some = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 1, max: 12 })), { maxLength: 40 })
  fc.assert(
    fc.property(some, fc.integer({ min: 1, max: 20 }), (parts, maxItems) => {
      const requests = parts.map(([tenant, size]) => request(tenant, size))
      const waiting = rotation(...requests)
      const all: Request[] = []
      while (waiting.length > 0) {
        const taken = waiting.take(maxItems)
        expect(taken.length).toBeGreaterThan(0)
        const items = taken.reduce((sum, { size }) => sum + size, 0)
        expect(items <= maxItems || taken.length === 1).toBe(true)
        all.push(...taken)
      }
      for (const tenant of ['a', 'b', 'c']) {
        const own = (list: readonly Request[]) => list.filter(({ input }) => input.tenant === tenant)
        expect(own(all)).toEqual(own(requests))
      }
    }),
  )
})
