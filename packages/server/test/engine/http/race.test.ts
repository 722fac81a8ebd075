import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { interleave, Race, type TryEvents } from '../../../src/engine/http/race.ts'
import { HandClock } from '../../hand-clock.ts'

type Events = TryEvents<string, string>

function startRace(addresses: readonly string[], maxExtra = 100) {
  const clock = new HandClock()
  const tries = new Map<string, Events & { isEnded: boolean }>()
  const results: string[] = []
  let extra = 0
  const extraTries = {
    get isLeft() {
      return extra < maxExtra
    },
    reserve: () => void extra++,
    release: () => void extra--,
  }
  const race = new Race<string, string, string>(
    addresses,
    (address, events) => {
      const one = { ...events, isEnded: false }
      tries.set(address, one)
      return () => {
        one.isEnded = true
      }
    },
    clock,
    extraTries,
    { ready: value => results.push(`ready ${value}`), failed: error => results.push(`failed ${error}`) },
  )
  race.start()
  return {
    clock,
    race,
    results,
    get: (address: string) => tries.get(address)!,
    tried: () => [...tries.keys()],
    extra: () => extra,
  }
}

describe('a race of addresses', () => {
  it('starts the next address after 250 ms, and gives none up', () => {
    const { clock, tried, get, results } = startRace(['a', 'b', 'c'])
    expect(tried()).toEqual(['a'])
    clock.turn(249)
    expect(tried()).toEqual(['a'])
    clock.turn(1)
    clock.turn(250)
    expect(tried()).toEqual(['a', 'b', 'c'])
    expect(['a', 'b', 'c'].map(each => get(each).isEnded)).toEqual([false, false, false])
    get('a').ready('A')
    expect(results).toEqual(['ready A'])
    expect(['b', 'c'].map(each => get(each).isEnded)).toEqual([true, true])
    get('b').ready('B')
    get('c').failed('c')
    expect(results).toEqual(['ready A'])
    expect(clock.waits).toEqual([])
  })

  it('starts the next address at once if the last one fails', () => {
    const { tried, get, results } = startRace(['a', 'b'])
    get('a').failed('a')
    expect(tried()).toEqual(['a', 'b'])
    get('b').failed('b')
    expect(results).toEqual(['failed b'])
  })

  it('gives an address that gets further another 250 ms', () => {
    const { clock, tried, get } = startRace(['a', 'b'])
    clock.turn(200)
    get('a').progressed()
    clock.turn(249)
    expect(tried()).toEqual(['a'])
    clock.turn(1)
    expect(tried()).toEqual(['a', 'b'])
  })

  it('fails with the error of the address that got furthest', () => {
    const { clock, get, results, race } = startRace(['a', 'b', 'c'])
    clock.turn(250)
    clock.turn(250)
    get('b').progressed()
    get('b').failed('certificate')
    get('a').failed('refused')
    expect(results).toEqual([])
    expect(race.furthest).toBe('certificate')
    get('c').failed('unreachable')
    expect(results).toEqual(['failed certificate'])
  })

  it('starts no third try next to two while there are too many, but one after another', () => {
    const { clock, tried, get, extra } = startRace(['a', 'b', 'c', 'd', 'e'], 1)
    for (let turn = 0; turn < 8; turn++) clock.turn(250)
    expect([tried(), extra()]).toEqual([['a', 'b', 'c'], 1])
    get('a').failed('a')
    clock.turn(250)
    expect([tried(), extra()]).toEqual([['a', 'b', 'c'], 1])
    get('b').failed('b')
    clock.turn(250)
    expect([tried(), extra()]).toEqual([['a', 'b', 'c', 'd'], 1])
    get('d').failed('d')
    expect([tried(), extra()]).toEqual([['a', 'b', 'c', 'd', 'e'], 1])
  })

  it('always starts the second address next to the first, whatever the others use', () => {
    const { clock, tried, extra } = startRace(['a', 'b', 'c'], 0)
    for (let turn = 0; turn < 8; turn++) clock.turn(250)
    expect([tried(), extra()]).toEqual([['a', 'b'], 0])
  })

  it('ends once and leaves nothing behind, whatever happens in whatever order', () => {
    const step = fc.oneof(
      fc.record({ at: fc.nat(5), does: fc.constantFrom('progressed' as const, 'ready' as const, 'failed' as const) }),
      fc.record({ turnMs: fc.nat(400) }),
    )
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.array(step, { maxLength: 40 }), (count, steps) => {
        const names = Array.from({ length: count }, (_, at) => String(at))
        const { clock, tried, get, results, race, extra } = startRace(names, 2)
        const isOver = () => results.length > 0
        for (const each of steps) {
          if ('turnMs' in each) clock.turn(each.turnMs)
          else {
            const name = String(each.at)
            if (tried().includes(name)) get(name)[each.does](name)
          }
          expect(results.length).toBeLessThanOrEqual(1)
          expect(extra()).toBeLessThanOrEqual(2)
          if (isOver()) expect([clock.waits, extra()]).toEqual([[], 0])
        }
        race.cancel()
        expect([clock.waits, extra()]).toEqual([[], 0])
      }),
    )
  })
})

describe('the order of addresses', () => {
  it('alternates between the families, beginning with the first', () => {
    const of = (text: string) => [...text].map((digit, at) => ({ family: Number(digit), address: String(at) }))
    const order = (text: string) => interleave(of(text)).map(({ family, address }) => `${family}${address}`)
    expect(order('6644')).toEqual(['60', '42', '61', '43'])
    expect(order('4664')).toEqual(['40', '61', '43', '62'])
    expect(order('444')).toEqual(['40', '41', '42'])
    expect(order('')).toEqual([])
  })
})
