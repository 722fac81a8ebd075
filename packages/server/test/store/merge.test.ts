import fc from 'fast-check'
import { expect, it } from 'vitest'
import { firstIdAt } from '../../src/base/ids.ts'
import { type EventRow, Merge, type Reading } from '../../src/store/operations/events/merge.ts'

const NONE = new Uint8Array(16)

const row = (tenant: string, ms: number): EventRow => ({
  tenant,
  id: firstIdAt('evt', ms),
  type: 'T',
  key: null,
  bytes: 1,
})

it('events of several tenants are merged in order, however few of each are read at a time', () => {
  const tenants = fc.uniqueArray(fc.integer({ min: 1, max: 200 }), { minLength: 10, maxLength: 60 }).chain(times =>
    fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: times.length, maxLength: times.length }).map(names =>
      Map.groupBy(
        times.map((ms, index) => row(names[index]!, ms)),
        ({ tenant }) => tenant,
      ),
    ),
  )
  const numbers = fc.record({
    isDescending: fc.boolean(),
    chunk: fc.integer({ min: 1, max: 6 }),
    group: fc.integer({ min: 1, max: 4 }),
    take: fc.integer({ min: 1, max: 9 }),
  })
  fc.assert(
    fc.property(tenants, numbers, (all, { isDescending, chunk, group, take }) => {
      const order = (a: EventRow, b: EventRow) => (a.id < b.id === isDescending ? 1 : -1)
      const left = new Map([...all].map(([tenant, rows]) => [tenant, rows.toSorted(order)]))
      const readings = [...left].map(
        ([tenant, rows]): Reading => ({ tenant, lo: NONE, hi: NONE, bound: rows[0]!.id, found: [] }),
      )
      const merge = new Merge(readings, isDescending)
      const taken: EventRow[] = []
      while (!merge.isDone) {
        for (const reading of merge.hungry().slice(0, group)) {
          const read = left.get(reading.tenant)!.splice(0, chunk)
          reading.found.push(...read)
          // A full chunk can be followed by more.
          reading.bound = read.length < chunk ? null : read.at(-1)!.id
        }
        taken.push(...merge.take(take))
      }
      expect(taken).toEqual([...all.values()].flat().toSorted(order))
    }),
  )
})
