import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { inOrder, parseTime } from '../../src/api/http/lists.ts'
import { refusal } from '../services/setup.ts'

describe('times', () => {
  it.each([
    ['2026-01-31T12:00:00Z', '2026-01-31T12:00:00.000Z'],
    ['2026-01-31t12:00:00.5z', '2026-01-31T12:00:00.500Z'],
    ['2026-01-31T12:00:00.123000Z', '2026-01-31T12:00:00.123Z'],
    ['2026-01-31T12:00:00+01:30', '2026-01-31T10:30:00.000Z'],
    ['2026-01-31T23:00:00-01:30', '2026-02-01T00:30:00.000Z'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z'],
    ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00.000Z'],
    ['0000-01-01T00:00:00Z', '0000-01-01T00:00:00.000Z'],
    ['2026-11-28', '2026-11-28T00:00:00.000Z'],
    ['2024-02-29', '2024-02-29T00:00:00.000Z'],
  ])('reads %s', (text, time) => {
    expect(new Date(parseTime(text)!).toISOString()).toBe(time)
  })

  it('rounds fractions of a millisecond up, so that no bound is crossed', () => {
    expect(parseTime('1970-01-01T00:00:00.0010001Z')).toBe(2)
    expect(parseTime('1970-01-01T00:00:00.9999Z')).toBe(1000)
  })

  it.each([
    ['', '2026-02-29', '2026-1-31', '20260131', '2026-01-31Z', '2026-01-31+01:00', '2026-01', '2026-01-31T'],
    ['2026-01-31T12:00:00', '2026-01-31 12:00:00Z', '2026-02-29T00:00:00Z', '2026-13-01T00:00:00Z'],
    ['2026-01-31T24:00:00Z', '2026-01-31T12:60:00Z', '2026-01-31T12:00:61Z', '2026-01-31T12:00Z', '1769860800'],
    ['2026-01-31T12:00:00+0130', '2026-01-31T12:00:00 01:00', '2026-01-31T12:00:00.Z', ' 2026-01-31T12:00:00Z'],
    ['2026-01-31T12:00:00+24:00', '2026-00-01T00:00:00Z', '2026-01-00T00:00:00Z', '+002026-01-31T12:00:00Z'],
  ])('refuses %s and similar texts', (...texts) => {
    for (const text of texts) expect(parseTime(text), text).toBeUndefined()
  })

  it('reads every time that JavaScript writes with a four-digit year', () => {
    fc.assert(
      fc.property(fc.date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z') }), date => {
        fc.pre(!Number.isNaN(date.getTime()))
        expect(parseTime(date.toISOString())).toBe(date.getTime())
      }),
    )
  })
})

describe('paging', () => {
  /** The page of a list of names that a cursor leads to. */
  const pageAt = (names: readonly string[], limit: number, cursor: string | null) => {
    const pager = inOrder(isName, cursor === null ? { limit } : { cursor, limit })
    return pager.page(
      pager.behind(names.toSorted(), name => name),
      name => name,
      name => name,
    )
  }
  const isName = (text: string): boolean => /^[a-z]+$/.test(text)
  const cursorOf = (text: string): string => Buffer.from(text).toString('base64url')

  it('goes on and back through all items, whole pages at a time', () => {
    const first = pageAt(['a', 'b', 'c', 'd', 'e'], 2, null)
    const second = pageAt(['a', 'b', 'c', 'd', 'e'], 2, first.nextCursor)
    const third = pageAt(['a', 'b', 'c', 'd', 'e'], 2, second.nextCursor)
    expect([first, second, third].map(({ data }) => data.join(''))).toEqual(['ab', 'cd', 'e'])
    expect([first.prevCursor, third.nextCursor]).toEqual([null, null])
    const back = pageAt(['a', 'b', 'c', 'd', 'e'], 2, third.prevCursor)
    expect(back.data).toEqual(['c', 'd'])
    expect(pageAt(['a', 'b', 'c', 'd', 'e'], 2, back.nextCursor).data).toEqual(['e'])
    expect(pageAt(['a', 'b', 'c', 'd', 'e'], 2, back.prevCursor)).toMatchObject({ data: ['a', 'b'], prevCursor: null })
  })

  it('leads out of an empty page, back to what was seen and on to what came since', () => {
    const { nextCursor } = pageAt(['a', 'b', 'c'], 2, null)
    const empty = pageAt(['a', 'b'], 2, nextCursor)
    expect(empty).toMatchObject({ data: [], nextCursor: null })
    expect(pageAt(['a', 'b'], 2, empty.prevCursor)).toMatchObject({ data: ['a', 'b'], nextCursor: null })
    const { prevCursor } = pageAt(['c', 'd'], 2, cursorOf('b'))
    const gone = pageAt(['c', 'd'], 2, prevCursor)
    expect(gone).toMatchObject({ data: [], prevCursor: null })
    expect(pageAt(['c', 'd'], 2, gone.nextCursor)).toMatchObject({ data: ['c', 'd'], prevCursor: null })
  })

  it('shows everything that was there all along once in a walk, whatever comes and goes meanwhile', () => {
    const name = fc.string({ unit: fc.constantFrom(...'abcdef'), minLength: 1, maxLength: 3 })
    const change = fc.record({ add: fc.array(name, { maxLength: 3 }), remove: fc.array(name, { maxLength: 2 }) })
    const names = fc.uniqueArray(name, { maxLength: 20 })
    fc.assert(
      fc.property(
        names,
        fc.array(change, { maxLength: 30 }),
        fc.integer({ min: 1, max: 4 }),
        (start, changes, limit) => {
          const there = new Set(start)
          const lasting = start.filter(one => !changes.some(({ remove }) => remove.includes(one))).toSorted()
          let step = 0
          /** To the end in one direction, with a change before each page; returns what was shown, in order. */
          const walk = (cursor: string | null, way: 'nextCursor' | 'prevCursor') => {
            const shown: string[] = []
            let page: ReturnType<typeof pageAt>
            let at = cursor
            do {
              const { add = [], remove = [] } = changes[step++] ?? {}
              for (const one of remove) there.delete(one)
              for (const one of add) there.add(one)
              page = pageAt([...there], limit, at)
              shown.splice(way === 'nextCursor' ? shown.length : 0, 0, ...page.data)
              at = page[way]
            } while (at !== null)
            return { shown, last: page }
          }
          const expectEachOnce = (shown: readonly string[], expected: readonly string[]) => {
            expect(shown).toEqual([...new Set(shown)].toSorted())
            expect(shown.filter(one => lasting.includes(one))).toEqual(expected)
          }
          const { shown, last } = walk(null, 'nextCursor')
          expectEachOnce(shown, lasting)
          if (last.prevCursor === null) return
          const [begin] = last.data
          const back = walk(last.prevCursor, 'prevCursor')
          const before = lasting.filter(one => begin === undefined || one < begin)
          expectEachOnce(back.shown, before)
          // On again from the first page: all of it, behind what that page shows.
          const [end] = back.last.data.slice(-1)
          if (back.last.nextCursor === null) return
          const on = walk(back.last.nextCursor, 'nextCursor')
          expectEachOnce(
            on.shown,
            lasting.filter(one => end === undefined || one > end),
          )
        },
      ),
      { numRuns: 1_000 },
    )
  })

  it('accepts the cursors of earlier releases, and no others than its own', async () => {
    expect(pageAt(['a', 'b', 'c'], 2, 'YQ').data).toEqual(['b', 'c'])
    for (const text of [
      '',
      '=',
      'YQ==',
      'YQ ',
      'YR',
      '_w',
      ...['A', 'back A', 'up a', ' a', 'back  a'].map(cursorOf),
    ]) {
      const refused = refusal((async () => pageAt(['a'], 2, text))())
      expect((await refused).fields, text).toMatchObject([{ field: 'cursor' }])
    }
  })
})
