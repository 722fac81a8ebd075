import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { newestFirst } from '../../src/api/http/lists.ts'
import { firstIdAt, idMs } from '../../src/base/ids.ts'
import { SEARCH_MS, type Slice, searchInSlices } from '../../src/services/slices.ts'
import type { Place } from '../../src/store/where.ts'
import { HandClock } from '../hand-clock.ts'

const idAt = (ms: number): string => firstIdAt('evt', ms)

describe('a search in slices', () => {
  /** Reads `size` rows at a time out of rows 1 to `rows`, and finds those that match. */
  const readerOf = (rows: number, size: number, matches: (ms: number) => boolean, onRead = () => {}) => {
    return async ({ before, after }: Place, count: number): Promise<Slice<string>> => {
      onRead()
      const isBack = after !== undefined
      const from = isBack ? (after === null ? 0 : idMs(after)) + 1 : (before ? idMs(before) : rows + 1) - 1
      const looked = Array.from({ length: size }, (_, index) => (isBack ? from + index : from - index))
      const there = looked.filter(ms => ms >= 1 && ms <= rows)
      const last = there.at(-1)
      const isEnd = there.length < size || last === (isBack ? rows : 1)
      return { items: there.filter(matches).slice(0, count).map(idAt), goesOnAt: isEnd ? null : idAt(last!) }
    }
  }

  it('ends with the first slice that has enough, or with the last one', async () => {
    let reads = 0
    const read = readerOf(
      100,
      10,
      ms => ms % 10 === 0,
      () => reads++,
    )
    const clock = new HandClock()
    const found = await searchInSlices({ before: null }, 3, read, clock)
    expect(found.items.map(idMs)).toEqual([100, 90, 80])
    expect([found.isCutShort, reads]).toEqual([false, 3])
    const all = await searchInSlices({ before: null }, 30, read, clock)
    expect([all.items.length, all.goesOnAt, all.isCutShort]).toEqual([10, null, false])
  })

  it('ends when its time is up, says how far it looked, and continues there', async () => {
    const clock = new HandClock()
    const read = readerOf(
      100,
      10,
      ms => ms === 5 || ms === 95,
      () => clock.turn(SEARCH_MS / 2),
    )
    const pager = newestFirst('evt', { limit: 3 })
    const found = await searchInSlices(pager.place, pager.count, read, clock)
    const page = pager.foundPage(found, id => id, idMs)
    expect(page).toMatchObject({ data: [95], prevCursor: null, searchedTo: new Date(81).toISOString() })
    const next = newestFirst('evt', { limit: 3, cursor: page.nextCursor! })
    expect(next.place).toEqual({ before: idAt(81) })
  })

  it('reads at least one slice, even if the clock jumps', async () => {
    const clock = new HandClock()
    const read = readerOf(
      100,
      10,
      ms => ms === 95,
      () => clock.turn(SEARCH_MS * 10),
    )
    expect((await searchInSlices({ before: null }, 3, read, clock)).items.map(idMs)).toEqual([95])
  })

  it('shows every match once, in order, however short the pages and however early they end', async () => {
    const sizes = fc.record({
      rows: fc.integer({ min: 0, max: 60 }),
      size: fc.integer({ min: 1, max: 12 }),
      limit: fc.integer({ min: 1, max: 5 }),
      sliceMs: fc.integer({ min: 1, max: SEARCH_MS }),
    })
    const matching = fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(sizes, matching, async ({ rows, size, limit, sliceMs }, ms) => {
        const expected = [...new Set(ms)].filter(one => one <= rows).toSorted((a, b) => b - a)
        const clock = new HandClock()
        const read = readerOf(
          rows,
          size,
          one => ms.includes(one),
          () => clock.turn(sliceMs),
        )
        const walk = async (cursor: string | null, way: 'nextCursor' | 'prevCursor') => {
          const shown: number[] = []
          let at = cursor
          let other: string | null
          let first: number | undefined
          do {
            const pager = newestFirst('evt', at === null ? { limit } : { limit, cursor: at })
            const page = pager.foundPage(await searchInSlices(pager.place, pager.count, read, clock), id => id, idMs)
            shown.splice(way === 'nextCursor' ? shown.length : 0, 0, ...page.data)
            other = way === 'nextCursor' ? page.prevCursor : page.nextCursor
            first = page.data[0]
            at = page[way]
          } while (at !== null)
          return { shown, other, first }
        }
        const forth = await walk(null, 'nextCursor')
        expect(forth.shown).toEqual(expected)
        if (forth.other === null) return
        const back = await walk(forth.other, 'prevCursor')
        expect(back.shown).toEqual(expected.filter(one => forth.first === undefined || one > forth.first))
      }),
      { numRuns: 500 },
    )
  })
})
