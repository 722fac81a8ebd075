import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CountedLines } from '../../src/base/counted-lines.ts'
import { createLogger } from '../../src/base/logger.ts'
import { HandClock } from '../hand-clock.ts'

function start() {
  const clock = new HandClock()
  const texts: string[] = []
  const { logger } = createLogger({ level: 'info', clock, stdout: { write: line => texts.push(line) } })
  const lines = new CountedLines(logger, clock)
  const logged = () => texts.map(text => JSON.parse(text) as { msg: string; count: number; at: number; time: string })
  return { clock, lines, logged }
}

describe('counted lines', () => {
  it('come immediately the first time, then once a second with the latest fields and the number', () => {
    const { clock, lines, logged } = start()
    for (let at = 0; at < 1_000; at++) lines.add('a', 'warn', 'refused', { at })
    lines.add('b', 'error', 'failed', { at: 0 })
    expect(logged()).toMatchObject([
      { level: 'warn', msg: 'refused', at: 0, count: 1 },
      { level: 'error', msg: 'failed', at: 0, count: 1 },
    ])
    clock.turn(1_000)
    expect(logged().slice(2)).toMatchObject([{ msg: 'refused', at: 999, count: 999 }])
    clock.turn(1_000)
    expect([logged().length, clock.waits]).toEqual([3, []])
    lines.add('a', 'warn', 'refused', { at: 5 })
    expect(logged()[3]).toMatchObject({ at: 5, count: 1 })
  })

  it('that are not written yet are written at the end, and leave no timer', () => {
    const { clock, lines, logged } = start()
    for (let at = 0; at < 3; at++) lines.add('a', 'warn', 'refused', { at })
    lines.close()
    expect(logged()).toMatchObject([{ count: 1 }, { at: 2, count: 2 }])
    expect(clock.waits).toEqual([])
  })

  it('are at most one a second for each kind and leave out none, however they occur', () => {
    const occurrence = fc.record({ kind: fc.constantFrom('a', 'b', 'c'), afterMs: fc.nat(700) })
    fc.assert(
      fc.property(fc.array(occurrence, { maxLength: 200 }), occurrences => {
        const { clock, lines, logged } = start()
        for (const { kind, afterMs } of occurrences) {
          clock.turn(afterMs)
          lines.add(kind, 'warn', kind, {})
        }
        lines.close()
        for (const kind of ['a', 'b', 'c']) {
          const own = logged().filter(({ msg }) => msg === kind)
          expect(own.reduce((sum, { count }) => sum + count, 0)).toBe(
            occurrences.filter(one => one.kind === kind).length,
          )
          // The last one can be early: it is written when the process ends.
          const times = own.slice(0, -1).map(({ time }) => Date.parse(time))
          for (const [at, time] of times.entries())
            if (at > 0) expect(time - times[at - 1]!).toBeGreaterThanOrEqual(1_000)
        }
      }),
    )
  })
})
