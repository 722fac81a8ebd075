import fc from 'fast-check'
import { expect, it } from 'vitest'
import { NoSeat, Seats } from '../../src/base/seats.ts'
import { HandClock } from '../hand-clock.ts'

it('as many works as there are seats run at a time, in the order in which they came, and failures free their seat', async () => {
  const work = fc.record({ turns: fc.nat(5), fails: fc.boolean() })
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 4 }), fc.array(work, { maxLength: 30 }), async (count, works) => {
      const seats = new Seats({ clock: new HandClock(), count, patienceMs: 9 })
      const begun: number[] = []
      let running = 0
      const results = await Promise.allSettled(
        works.map(({ turns, fails }, at) =>
          seats.run(async () => {
            begun.push(at)
            running++
            expect(running).toBeLessThanOrEqual(count)
            for (let turn = 0; turn < turns; turn++) await Promise.resolve()
            running--
            if (fails) throw new Error('failed')
            return at
          }),
        ),
      )
      expect(begun).toEqual(works.map((_, at) => at))
      expect(results.map(({ status }) => status)).toEqual(works.map(({ fails }) => (fails ? 'rejected' : 'fulfilled')))
    }),
  )
})

it('a long work keeps its seat for as long again, up to a second', async () => {
  const clock = new HandClock()
  const seats = new Seats({ clock, count: 1, patienceMs: 60_000, longMs: 25 })
  const take = (ms: number) => seats.run(async () => clock.turn(ms))
  await take(25)
  expect(clock.waits).toEqual([])
  await take(300)
  let isDone = false
  const next = take(5_000).then(() => (isDone = true))
  expect(clock.waits.sort()).toEqual([300, 60_000])
  clock.turn(299)
  await Promise.resolve()
  expect(isDone).toBe(false)
  clock.turn(1)
  await next
  expect(clock.waits).toEqual([1_000])
})

it('a work that has waited too long is refused, and takes no seat', async () => {
  const clock = new HandClock()
  const seats = new Seats({ clock, count: 1, patienceMs: 1_000 })
  const release = Promise.withResolvers<void>()
  const first = seats.run(() => release.promise)
  const late = seats.run(async () => 'late')
  clock.turn(999)
  const later = seats.run(async () => 'later')
  clock.turn(1)
  await expect(late).rejects.toThrow(NoSeat)
  release.resolve()
  await first
  expect(await later).toBe('later')
  expect(await seats.run(async () => 'free')).toBe('free')
  expect(clock.waits).toEqual([])
})

it("a party's works begin in their order, and one of them at most between two of another party that waits", async () => {
  const party = fc.constantFrom('a', 'b', 'c')
  await fc.assert(
    fc.asyncProperty(fc.array(party, { maxLength: 30 }), async parties => {
      const seats = new Seats({ clock: new HandClock(), count: 1, patienceMs: 9 })
      const release = Promise.withResolvers<void>()
      const first = seats.run(() => release.promise)
      const begun: { readonly party: string; readonly at: number }[] = []
      const works = parties.map((party, at) => seats.run(async () => void begun.push({ party, at }), party))
      release.resolve()
      await Promise.all([first, ...works])
      for (const own of Map.groupBy(begun, ({ party }) => party).values()) {
        expect(own.map(({ at }) => at)).toEqual(own.map(({ at }) => at).toSorted((a, b) => a - b))
      }
      // In each round, each party that has something left has one turn.
      const rounds = begun.map(({ party }, index) => begun.slice(0, index).filter(one => one.party === party).length)
      expect(rounds).toEqual(rounds.toSorted((a, b) => a - b))
    }),
  )
})

it('a party whose last work has waited too long is forgotten, and can come again', async () => {
  const clock = new HandClock()
  const seats = new Seats({ clock, count: 1, patienceMs: 1_000 })
  const release = Promise.withResolvers<void>()
  const first = seats.run(() => release.promise)
  const late = seats.run(async () => 'late', 'a')
  clock.turn(500)
  const other = seats.run(async () => 'other', 'b')
  clock.turn(500)
  await expect(late).rejects.toThrow(NoSeat)
  const again = seats.run(async () => 'again', 'a')
  release.resolve()
  await first
  expect(await Promise.all([other, again])).toEqual(['other', 'again'])
})
