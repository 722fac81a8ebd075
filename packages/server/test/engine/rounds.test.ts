import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Budget } from '../../src/engine/lane/budget.ts'
import { Lane } from '../../src/engine/lane/lane.ts'
import { Rounds } from '../../src/engine/rounds.ts'

/** Lanes full of work that is due; `end` ends the oldest request of a lane. */
function bench(maxInFlight: number, maxInFlightPerHost = 1_000) {
  const budget = new Budget(0)
  const flying: { lane: Lane; host: string }[] = []
  const dispatched: string[] = []
  const rounds = new Rounds(
    { maxInFlight, maxInFlightPerHost },
    () => 1,
    lane => lane.endpoint.split('@')[1] ?? lane.endpoint,
    (lane, host) => {
      lane.takeNext()
      dispatched.push(lane.endpoint)
      flying.push({ lane, host })
    },
  )
  let count = 0
  const add = (tenant: string, endpoint: string, deliveries: number) => {
    const limits = { maxWindow: 32, depth: 10_000, items: new Budget(1e6), payloads: budget }
    const lane = new Lane(tenant, endpoint, 0, Number.POSITIVE_INFINITY, limits)
    for (let at = 0; at < deliveries; at++) {
      const delivery = `d${count++}`
      const event = 'evt'
      lane.offer({
        tenant,
        delivery,
        endpoint,
        partition: 0,
        event,
        type: 'T',
        test: false,
        dueAtMs: 0,
        attempts: 0,
        payload: null,
      })
    }
    rounds.enqueue(lane)
    return lane
  }
  const end = (wanted: (lane: Lane) => boolean): boolean => {
    const at = flying.findIndex(({ lane }) => wanted(lane))
    if (at < 0) return false
    const [{ lane, host }] = flying.splice(at, 1) as [{ lane: Lane; host: string }]
    lane.endRequest({ isSuccess: true, neverConnected: false, nowMs: 0, longestPauseMs: 0, random: 0 })
    rounds.endRequest(lane, host)
    rounds.enqueue(lane)
    rounds.run(Number.POSITIVE_INFINITY)
    return true
  }
  return { rounds, add, end, dispatched, flying }
}

const inFlightOf = (flying: { lane: Lane }[], tenant: string) =>
  flying.filter(({ lane }) => lane.tenant === tenant).length

describe('rounds', () => {
  it('never exceed the caps of node and host', () => {
    const { rounds, add, end, flying } = bench(20, 6)
    for (let at = 0; at < 10; at++) add(`t${at}`, `e${at}@same`, 50)
    for (let at = 0; at < 10; at++) add(`u${at}`, `e${at}@other${at}`, 50)
    rounds.run(Number.POSITIVE_INFINITY)
    for (let at = 0; at < 300; at++) {
      expect(flying.length).toBeLessThanOrEqual(20)
      expect(flying.filter(({ host }) => host === 'same').length).toBeLessThanOrEqual(6)
      end(() => true)
    }
  })

  it('leave room for somebody new, however many of another tenant hang', () => {
    const { rounds, add, end, flying } = bench(64)
    for (let at = 0; at < 500; at++) add('hog', `hog${at}`, 10)
    rounds.run(Number.POSITIVE_INFINITY)
    expect(inFlightOf(flying, 'hog')).toBeLessThan(64)
    add('new', 'new1', 20)
    rounds.run(Number.POSITIVE_INFINITY)
    expect(inFlightOf(flying, 'new')).toBeGreaterThan(0)
    // The newcomer gets through while nothing of the hog ever ends.
    let ended = 0
    while (end(lane => lane.tenant === 'new')) ended++
    expect(ended).toBe(20)
  })

  it('leave room for another endpoint of the same tenant', () => {
    const { rounds, add, end } = bench(64)
    for (let at = 0; at < 50; at++) add('acme', `hanging${at}`, 100)
    rounds.run(Number.POSITIVE_INFINITY)
    add('acme', 'healthy', 30)
    rounds.run(Number.POSITIVE_INFINITY)
    let ended = 0
    while (end(lane => lane.endpoint === 'healthy')) ended++
    expect(ended).toBe(30)
  })

  it('take turns: a flood of one tenant costs another one turn', () => {
    const { rounds, add, end, dispatched } = bench(8)
    add('flood', 'flood', 1_000)
    rounds.run(Number.POSITIVE_INFINITY)
    for (let at = 0; at < 50; at++) end(() => true)
    add('small', 'small', 5)
    const from = dispatched.length
    for (let at = 0; at < 10; at++) end(() => true)
    expect(dispatched.slice(from).filter(endpoint => endpoint === 'small').length).toBeGreaterThanOrEqual(4)
  })

  it('leave room at a host for other tenants, however many of one hang there', () => {
    const { rounds, add, flying } = bench(10_000, 128)
    for (let at = 0; at < 200; at++) add('slow', `slow${at}@host`, 10)
    rounds.run(Number.POSITIVE_INFINITY)
    expect(inFlightOf(flying, 'slow')).toBeLessThan(128)
    add('good', 'good@host', 5)
    rounds.run(Number.POSITIVE_INFINITY)
    expect(inFlightOf(flying, 'good')).toBeGreaterThan(0)
  })

  // [tenants, looks for each request that ends]: where there is one tenant, at the lane that goes and the next.
  it.each([
    [3, 12],
    [1, 4],
  ])('look at none again and again that wait for a crowded host, and let all in in the end (%i)', (tenants, most) => {
    const { rounds, add, end, dispatched, flying } = bench(10_000, 8)
    let looks = 0
    const lanes = Array.from({ length: 500 }, (_, at) => add(`t${at % tenants}`, `e${at}@host`, 1))
    for (const lane of lanes) {
      const isReady = lane.isReady.bind(lane)
      lane.isReady = nowMs => {
        looks++
        return isReady(nowMs)
      }
    }
    rounds.run(Number.POSITIVE_INFINITY)
    // A tenant alone has four fifths of a host.
    expect(flying).toHaveLength(tenants === 1 ? 7 : 8)
    looks = 0
    let ended = 0
    while (end(() => true)) ended++
    expect([ended, new Set(dispatched).size]).toEqual([500, 500])
    // Some lanes for each request that ended, not all of them.
    expect(looks).toBeLessThan(500 * most)
  })

  it('goes on where it stopped after so many dispatches', () => {
    const { rounds, add, flying } = bench(100)
    add('t', 'a', 4)
    add('u', 'b', 4)
    expect([rounds.run(3), flying.length]).toEqual([true, 3])
    expect([rounds.run(100), flying.length]).toEqual([false, 8])
  })

  it('leave no lane idle that may go, whatever happens in whatever order', () => {
    const step = fc.record({
      kind: fc.constantFrom('land', 'land', 'land', 'due', 'move', 'disable'),
      pick: fc.nat(999),
    })
    const shape = fc.record({
      maxInFlight: fc.integer({ min: 3, max: 20 }),
      maxInFlightPerHost: fc.integer({ min: 1, max: 4 }),
      lanes: fc.array(fc.record({ tenant: fc.nat(8), host: fc.nat(2), due: fc.integer({ min: 1, max: 3 }) }), {
        minLength: 5,
        maxLength: 40,
      }),
      steps: fc.array(step, { maxLength: 80 }),
    })
    fc.assert(
      fc.property(shape, ({ lanes: made, steps, ...limits }) => {
        type Model = { tenant: string; host: string; due: number; inFlight: number; isReady(): boolean }
        const models = made.map(({ tenant, host, due }) => ({
          tenant: `t${tenant}`,
          host: `h${host}`,
          due,
          inFlight: 0,
          isReady() {
            return this.due > 0 && this.inFlight < 4
          },
        }))
        const laneOf = (model: Model) => model as unknown as Lane
        const modelOf = (lane: Lane) => lane as unknown as Model
        const flying: { model: Model; host: string }[] = []
        const hostOf = (lane: Lane) => modelOf(lane).host
        const rounds = new Rounds(
          limits,
          () => 1,
          hostOf,
          (lane, host) => {
            const model = modelOf(lane)
            model.due--
            model.inFlight++
            flying.push({ model, host })
          },
        )
        const mayGo = (model: Model): boolean => {
          const left = limits.maxInFlight - flying.length
          const atHost = flying.filter(({ host }) => host === model.host)
          const leftAtHost = limits.maxInFlightPerHost - atHost.length
          const ofTenant = (some: typeof flying) => some.filter(one => one.model.tenant === model.tenant).length
          return (
            model.isReady() &&
            model.inFlight === 0 &&
            ofTenant(flying) < 4 * left &&
            leftAtHost > 0 &&
            ofTenant(atHost) < 4 * leftAtHost
          )
        }
        const go = () => {
          rounds.run(Number.POSITIVE_INFINITY)
          expect(models.filter(mayGo)).toEqual([])
        }
        const land = (at: number) => {
          const [{ model, host }] = flying.splice(at, 1) as [{ model: Model; host: string }]
          model.inFlight--
          rounds.endRequest(laneOf(model), host)
          if (model.isReady()) rounds.enqueue(laneOf(model))
        }
        for (const model of models) rounds.enqueue(laneOf(model))
        go()
        for (const { kind, pick } of steps) {
          const model = models[pick % models.length]!
          if (kind === 'land' && flying.length > 0) land(pick % flying.length)
          else if (kind === 'due') {
            model.due++
            rounds.enqueue(laneOf(model))
          } else if (kind === 'move') {
            model.host = `h${pick % 3}`
            rounds.unpark(laneOf(model))
          } else if (kind === 'disable') model.due = 0
          go()
        }
        while (flying.length > 0) {
          land(0)
          go()
        }
        expect(models.filter(({ due }) => due > 0)).toEqual([])
      }),
      { numRuns: 500 },
    )
  })
})
