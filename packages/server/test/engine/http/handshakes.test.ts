import { describe, expect, it } from 'vitest'
import { Handshakes } from '../../../src/engine/http/handshakes.ts'
import { HandClock } from '../../hand-clock.ts'

function start({ isShared = true } = {}) {
  const clock = new HandClock()
  let usedMs = 0
  const handshakes = new Handshakes(
    clock,
    () => isShared,
    () => usedMs,
  )
  /** The thread is kept for this long. */
  const use = (ms: number) => {
    usedMs += ms
    clock.turn(ms)
  }
  const isMeasured = (tenant: string) => {
    const handshake = handshakes.begin(tenant)
    handshake.end()
    return handshake.isMeasured
  }
  /** A stall while these tenants have a handshake in progress. */
  const stall = (ms: number, ...tenants: string[]) => {
    const open = tenants.map(tenant => handshakes.begin(tenant))
    usedMs += ms
    clock.turn(ms + 20)
    for (const each of open) each.end()
    clock.turn(20)
  }
  return { clock, handshakes, use, isMeasured, stall }
}

describe('handshakes', () => {
  it('are measured for a while after the thread was kept while their tenant had one, longer each time', () => {
    const { clock, isMeasured, stall } = start()
    for (const seconds of [10, 20, 40, 80, 160, 320, 600, 600]) {
      stall(50, 'a', 'b')
      expect(['a', 'b', 'c'].map(isMeasured)).toEqual([true, true, false])
      clock.turn(seconds * 1_000 - 60)
      expect(isMeasured('a')).toBe(true)
      clock.turn(60)
      expect(isMeasured('a')).toBe(false)
    }
    clock.turn(700_000)
    stall(50, 'a')
    clock.turn(10_000)
    expect(isMeasured('a')).toBe(false)
  })

  it('are not measured because the thread waited for the processor, or of a tenant that is alone', () => {
    const busy = start()
    const open = busy.handshakes.begin('a')
    busy.clock.turn(500)
    open.end()
    expect(busy.isMeasured('a')).toBe(false)
    const alone = start({ isShared: false })
    alone.stall(500, 'a')
    for (let nth = 0; nth < 100; nth++) expect(alone.handshakes.begin('a').isMeasured).toBe(false)
  })

  it('beyond four at a time of a tenant are measured', () => {
    const { handshakes } = start()
    const open = Array.from({ length: 6 }, () => handshakes.begin('many'))
    expect(open.map(({ isMeasured }) => isMeasured)).toEqual([...new Array(4).fill(false), true, true])
    expect(handshakes.begin('few').isMeasured).toBe(false)
    open[0]!.end()
    open[0]!.end()
    expect([1, 2].map(() => handshakes.begin('many').isMeasured)).toEqual([false, true])
  })

  it('that are cheap when measured make no one rest, however often the thread is kept by something else', () => {
    const { handshakes, use, stall } = start()
    for (let nth = 0; nth < 50; nth++) {
      stall(200, 'a')
      let isDone = false
      handshakes.feed('a', () => {
        use(2)
        isDone = true
      })
      expect([isDone, handshakes.isResting('a')]).toEqual([true, false])
    }
  })

  it('that are costly for the second time make their tenant rest after each, and the others of it wait for that', () => {
    const { clock, handshakes, use } = start()
    const done: string[] = []
    const feed = (tenant: string, name: string, ms: number) =>
      handshakes.feed(tenant, () => {
        use(ms)
        done.push(name)
      })
    for (const nth of [1, 2, 3, 4]) feed('hostile', `costly ${nth}`, 125)
    feed('hostile', 'cheap', 2)
    feed('neighbour', 'neighbour', 2)
    expect(done).toEqual(['costly 1', 'costly 2', 'neighbour'])
    expect(['hostile', 'neighbour'].map(tenant => handshakes.isResting(tenant))).toEqual([true, false])
    clock.turn(14_990)
    expect(done).toHaveLength(3)
    clock.turn(10)
    clock.turn(15_000)
    expect(done.slice(3)).toEqual(['costly 3', 'costly 4'])
    clock.turn(15_000)
    expect(done.at(-1)).toBe('cheap')
    // All of its handshakes are measured as long as that is remembered.
    expect(handshakes.begin('hostile').isMeasured).toBe(true)
    clock.turn(600_000)
    expect(handshakes.begin('hostile').isMeasured).toBe(false)
    feed('hostile', 'costly 5', 125)
    expect(handshakes.isResting('hostile')).toBe(false)
  })
})
