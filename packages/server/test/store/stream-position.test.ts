import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Noted, packNotes, unpackNotes } from '../../src/store/stream-notes.ts'
import {
  includes,
  parsePosition,
  parseSnapshot,
  type Snapshot,
  writePosition,
} from '../../src/store/stream-position.ts'

const snapshot: fc.Arbitrary<Snapshot> = fc
  .record({ next: fc.integer({ min: 1, max: 2 ** 50 }), behind: fc.uniqueArray(fc.integer({ min: 1, max: 500 })) })
  .map(({ next, behind }) => ({ next, open: behind.map(by => next - by).filter(txid => txid > 0) }))
const number = fc.integer({ min: 0, max: 2 ** 40 })
const position = fc.record({
  epoch: fc.stringMatching(/^[0-9a-z]{1,32}$/),
  from: snapshot,
  within: fc.option(fc.record({ to: snapshot, row: number, items: number })),
})

describe('a position', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(position, it => {
        expect(parsePosition(writePosition(it))).toEqual(it)
      }),
    )
  })

  it('of any other text is undefined, and never throws', () => {
    const odd = ['', '.', 'a', 'a.', 'a.1.2', 'a.1.2.3', 'a.1:1.2.3.4', 'a.1:2', 'a.-1', 'a.1e3', 'a.1.2.3.4.5', 'A.1']
    for (const text of odd) expect([text, parsePosition(text)]).toEqual([text, undefined])
    expect(parsePosition(`a.${'1'.repeat(20)}`)).toBeUndefined()
    expect(parsePosition(`a.9:${'1,'.repeat(10_000)}1`)).toBeUndefined()
    fc.assert(
      fc.property(fc.string(), text => {
        const parsed = parsePosition(text)
        if (parsed !== undefined) expect(parsePosition(writePosition(parsed))).toEqual(parsed)
      }),
    )
  })
})

describe('a snapshot', () => {
  const holds = ({ next, open }: Snapshot, txid: number) => txid < next && !open.includes(txid)

  it('includes another if and only if it has every transaction of it', () => {
    const small = fc
      .record({ next: fc.integer({ min: 1, max: 8 }), open: fc.uniqueArray(fc.integer({ min: 1, max: 7 })) })
      .map(({ next, open }) => ({ next, open: open.filter(txid => txid < next) }))
    fc.assert(
      fc.property(small, small, (a, b) => {
        const all = Array.from({ length: 8 }, (_, index) => index + 1)
        const isSubset = all.every(txid => !holds(b, txid) || holds(a, txid))
        // A snapshot that ends earlier, all the rest of the other being open, is refused although it has everything.
        expect(includes(a, b)).toBe(isSubset && a.next >= b.next)
      }),
    )
  })

  it('is refused if it is impossible', () => {
    for (const text of ['', ':', '5:', '5:5', '5:6', 'x', '5:1,', '5 ', '99999999999999999']) {
      expect([text, parseSnapshot(text)]).toEqual([text, undefined])
    }
  })
})

describe('notes', () => {
  const id = fc.uint8Array({ minLength: 16, maxLength: 16 })
  const tenant = fc.constantFrom('acme', 'zeta', 'b-1')
  const noted: fc.Arbitrary<Noted> = fc.oneof(
    fc.record({ kind: fc.constantFrom('event', 'delivery'), tenant, id }),
    fc.record({
      kind: fc.constant('attempt'),
      tenant,
      id,
      number: fc.integer({ min: 1, max: 32_767 }),
      startedAtMs: fc.integer({ min: 0, max: 2 ** 47 }),
    }),
    fc.record({
      kind: fc.constant('endpoint'),
      tenant,
      id,
      change: fc.constantFrom('created', 'updated', 'deleted'),
    }),
  ) as fc.Arbitrary<Noted>

  it('are unpacked in the order in which they were packed', () => {
    fc.assert(
      fc.property(fc.array(fc.array(noted)), notes => {
        const packed = packNotes(notes.map(some => () => some))
        expect(packed === undefined ? [] : unpackNotes(packed)).toEqual(notes.flat())
      }),
    )
  })
})
