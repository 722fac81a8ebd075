import { describe, expect, it } from 'vitest'
import { DialTurns } from '../../../src/engine/http/dial-turns.ts'
import { type Handshake, Handshakes } from '../../../src/engine/http/handshakes.ts'
import { HandClock } from '../../hand-clock.ts'

function start(isShared = true) {
  const clock = new HandClock()
  let usedMs = 0
  const handshakes = new Handshakes(
    clock,
    () => isShared,
    () => usedMs,
  )
  /** A handshake that keeps the thread for some processor time. */
  const costly = (tenant: string, ms: number, more: readonly Handshake[] = []) => {
    const handshake = handshakes.begin(tenant)
    handshake.connected()
    usedMs += ms
    // Looking is late by as much, and a little.
    clock.turn(ms + 25)
    for (const each of [handshake, ...more]) each.end()
    clock.turn(20)
  }
  return { clock, handshakes, costly, use: (ms: number) => (usedMs += ms) }
}

describe('Handshakes that keep the thread', () => {
  it('make their tenant rest from the second time on, longer each time and for no more than ten minutes', () => {
    const { handshakes, costly, clock } = start()
    const waits: number[] = []
    for (let nth = 0; nth < 7; nth++) {
      costly('hostile', 120)
      waits.push(Math.round(handshakes.waitMs('hostile') / 1_000))
      clock.turn(handshakes.waitMs('hostile'))
    }
    expect(waits).toEqual([0, 2, 10, 38, 154, 600, 600])
    expect([handshakes.isSuspect('hostile'), handshakes.isSuspect('neighbour')]).toEqual([true, false])
    expect(handshakes.waitMs('neighbour')).toBe(0)
    clock.turn(3_600_000)
    expect([handshakes.isSuspect('hostile'), handshakes.waitMs('hostile')]).toEqual([false, 0])
  })

  it('make it rest at once if they keep it for too long to be chance', () => {
    const { handshakes, costly } = start()
    costly('hostile', 300)
    expect(handshakes.waitMs('hostile')).toBeGreaterThan(5_000)
  })

  it('suspect no one if the thread only waited for the processor, or did many usual ones', () => {
    const { handshakes, clock, use } = start()
    for (let nth = 0; nth < 3; nth++) {
      const waiting = handshakes.begin('one')
      waiting.connected()
      clock.turn(500)
      waiting.end()
      clock.turn(20)
      const usual = Array.from({ length: 7 }, () => handshakes.begin('many'))
      for (const each of usual) each.connected()
      use(28)
      for (const each of usual) each.end()
      clock.turn(48)
      clock.turn(20)
    }
    expect(['one', 'many'].map(tenant => handshakes.isSuspect(tenant))).toEqual([false, false])
  })

  it('are few of each tenant at a time while there are others, and one of a tenant whose are costly', () => {
    const { handshakes, costly, clock } = start()
    const open = Array.from({ length: 8 }, () => handshakes.begin('many'))
    expect(handshakes.waitMs('many')).toBe(Number.POSITIVE_INFINITY)
    expect(handshakes.waitMs('few')).toBe(0)
    // Where nothing answers, connecting takes a place only for a while.
    open[0]!.connected()
    clock.turn(1_000)
    expect(handshakes.waitMs('many')).toBe(0)
    costly('hostile', 120)
    costly('hostile', 120)
    clock.turn(handshakes.waitMs('hostile'))
    handshakes.begin('hostile').connected()
    expect(handshakes.waitMs('hostile')).toBe(Number.POSITIVE_INFINITY)
  })

  it('are as many as they like of a tenant that is alone', () => {
    const { handshakes } = start(false)
    for (let nth = 0; nth < 100; nth++) handshakes.begin('alone')
    expect(handshakes.waitMs('alone')).toBe(0)
  })
})

describe('Connections of a tenant that rests', () => {
  it('begin one after the other, in order and without those that are over, and others wait for none of them', () => {
    const { clock, handshakes, costly } = start()
    const turns = new DialTurns(clock, () => true, handshakes)
    const begun: string[] = []
    const over = new Set<string>(['hostile 2'])
    const current: Handshake[] = []
    const dial = (tenant: string, nth: number) => {
      const name = `${tenant} ${nth}`
      const begin = () => {
        begun.push(name)
        current.push(handshakes.begin(tenant))
      }
      turns.take({ tenant, begin, isOver: () => over.has(name) })
    }
    costly('hostile', 120)
    costly('hostile', 120)
    for (const nth of [1, 2, 3]) dial('hostile', nth)
    dial('neighbour', 1)
    expect(begun).toEqual(['neighbour 1'])
    clock.turn(handshakes.waitMs('hostile'))
    expect(begun).toEqual(['neighbour 1', 'hostile 1'])
    clock.turn(500)
    expect(begun).toHaveLength(2)
    current.at(-1)!.end()
    clock.turn(5)
    expect(begun).toEqual(['neighbour 1', 'hostile 1', 'hostile 3'])
  })
})
