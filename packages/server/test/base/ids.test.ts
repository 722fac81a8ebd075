import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bytesMs, firstIdAt, idBytes, idMs, idText, newId, parseId } from '../../src/base/ids.ts'

describe('ids', () => {
  it('are UUIDv7 in TypeID form, as the specification defines them', () => {
    // The specification's own example: 0110c853-1d09-52d8-d73e-1194e95b5f19 is 0123456789abcdefghjkmnpqrs.
    const bytes = Uint8Array.from(Buffer.from('0110c8531d0952d8d73e1194e95b5f19', 'hex'))
    expect(idText('evt', bytes)).toBe('evt_0123456789abcdefghjkmnpqrs')
    const id = idBytes(newId('evt', 1_700_000_000_000))
    expect(id[6]! >> 4).toBe(7)
    expect(id[8]! >> 6).toBe(2)
    expect(bytesMs(id)).toBe(1_700_000_000_000)
  })

  it('convert to bytes and back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), bytes => {
        expect(parseId('dlv', idText('dlv', bytes))).toEqual(bytes)
      }),
    )
  })

  it('tell when they were made, as bytes and as text', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 48 - 1 }),
        fc.uint8Array({ minLength: 16, maxLength: 16 }),
        (ms, rest) => {
          const bytes = idBytes(firstIdAt('evt', ms))
          bytes.set(rest.subarray(6), 6)
          expect(bytesMs(bytes)).toBe(ms)
          expect(idMs(idText('evt', bytes))).toBe(ms)
          expect(idMs(idText('dlv', bytes))).toBe(ms)
        },
      ),
      {
        examples: [
          [0, new Uint8Array(16)],
          [2 ** 48 - 1, new Uint8Array(16).fill(255)],
        ],
      },
    )
  })

  it('strictly increase, even if the clock stands still or runs backwards', () => {
    let last = ''
    for (let i = 0; i < 20_000; i++) {
      const id = newId('dlv', 1_800_000_000_000 - (i % 3))
      expect(id > last).toBe(true)
      last = id
    }
    const later = newId('dlv', 1_800_000_000_050)
    expect(later > last).toBe(true)
    expect(later > firstIdAt('dlv', 1_800_000_000_050)).toBe(true)
    expect(later < firstIdAt('dlv', 1_800_000_000_051)).toBe(true)
  })

  it('are rejected in any other spelling', () => {
    const good = newId('evt', 1)
    for (const bad of [
      '',
      'evt_',
      good.toUpperCase(),
      good.replace('evt', 'dlv'),
      `${good}0`,
      good.slice(0, -1),
      `evt_8${good.slice(5)}`,
      `evt_${'u'.repeat(26)}`,
    ]) {
      expect(parseId('evt', bad)).toBeUndefined()
    }
  })
})
