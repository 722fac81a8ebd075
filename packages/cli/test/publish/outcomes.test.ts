import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type BadLine, type Outcome, Outcomes } from '../../src/publish/outcomes.ts'
import { NO_COUNTS } from '../../src/publish/run-file.ts'

const line = (number: number) => ({
  number,
  start: number * 10,
  end: number * 10 + 10,
  checksum: number,
  text: '',
  fault: null,
})
const outcome = fc.oneof(
  fc.constantFrom('accepted', 'accepted', 'duplicates', 'blank').map(kind => ({ kind }) as Outcome),
  fc.constantFrom('refused', 'broken').map(kind => ({ kind, why: 'no', field: null }) as Outcome),
)

describe('outcomes of lines', () => {
  it('are counted in order, in whatever order they come, up to the first that is missing or ends the run', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(outcome, fc.nat()), { minLength: 1, maxLength: 40 }),
        fc.boolean(),
        (all, skips) => {
          const bad: BadLine[] = []
          const onBadLine = (each: BadLine) => bad.push(each) > 0 && skips
          const outcomes = new Outcomes({ counts: NO_COUNTS, last: null, onBadLine })
          const settle = all.map((_, at) => outcomes.expect(line(at + 1)))
          const order = all.map((_, at) => at).sort((a, b) => all[a]![1] - all[b]![1])
          const done = new Set<number>()
          for (const at of order) {
            settle[at]!(all[at]![0])
            done.add(at)
            const missing = all.findIndex((_, each) => !done.has(each))
            const reached = missing < 0 ? all : all.slice(0, missing)
            const stop = skips ? -1 : reached.findIndex(([each]) => 'why' in each)
            const counted = (stop < 0 ? reached : reached.slice(0, stop)).map(([each]) => each.kind)
            const expected = { ...NO_COUNTS } as Record<string, number>
            for (const kind of counted) expected[kind]!++
            expect(outcomes.counts).toEqual(expected)
            expect(outcomes.last?.number ?? 0).toBe(counted.length)
            expect(outcomes.bytes).toBe(counted.length === 0 ? 0 : counted.length * 10 + 10)
            expect(outcomes.isStopped).toBe(stop >= 0)
            expect(bad.map(({ number }) => number)).toEqual(
              reached
                .slice(0, stop < 0 ? undefined : stop + 1)
                .flatMap(([each], index) => ('why' in each ? [index + 1] : [])),
            )
          }
        },
      ),
    )
  })

  it('keep nothing of lines that are counted', () => {
    const outcomes = new Outcomes({ counts: NO_COUNTS, last: null, onBadLine: () => true })
    for (let number = 1; number <= 10_000; number++) outcomes.expect(line(number))({ kind: 'accepted' })
    expect([outcomes.waiting, outcomes.counts.accepted]).toEqual([0, 10_000])
  })
})
