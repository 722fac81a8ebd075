import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SharedBudget } from '../../src/base/shared-budget.ts'
import { Lane } from '../../src/engine/lane/lane.ts'
import { type RoundLimits, Rounds } from '../../src/engine/rounds.ts'

/** Lanes full of due deliveries. `end` ends the oldest request of a lane. */
function bench(maxInFlight: number, maxInFlightPerHost = 1_000) {
  const budget = new SharedBudget(0).of('t')
  const flying: { lane: Lane; host: string }[] = []
  const dispatched: string[] = []
  const rounds = new Rounds(
    { maxInFlight, maxInFlightAt: () => maxInFlightPerHost },
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
    const limits = { maxWindow: 32, depth: 10_000, items: new SharedBudget(2e6).of(tenant), payloads: budget }
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
        replay: false,
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

/** The part of a lane that the rounds use. */
type ModelLane = { tenant: string; host: string; due: number; inFlight: number; isReady(): boolean }

const asLane = (lane: ModelLane) => lane as unknown as Lane
const asModel = (lane: Lane) => lane as unknown as ModelLane

/** Rounds over lanes that are only counters; checks that no lane stays idle that could go. */
class Model {
  readonly lanes: readonly ModelLane[]
  readonly rounds: Rounds
  readonly flying: { lane: ModelLane; host: string }[] = []
  readonly #limits: RoundLimits

  constructor(limits: RoundLimits, made: readonly { tenant: number; host: number; due: number }[]) {
    this.#limits = limits
    this.lanes = made.map(({ tenant, host, due }) => ({
      tenant: `t${tenant}`,
      host: `h${host}`,
      due,
      inFlight: 0,
      isReady() {
        return this.due > 0 && this.inFlight < 4
      },
    }))
    this.rounds = new Rounds(
      limits,
      () => 1,
      lane => asModel(lane).host,
      (dispatched, host) => {
        const lane = asModel(dispatched)
        lane.due--
        lane.inFlight++
        this.flying.push({ lane, host })
      },
    )
    for (const lane of this.lanes) this.rounds.enqueue(asLane(lane))
  }

  run(): void {
    this.rounds.run(Number.POSITIVE_INFINITY)
    expect(this.lanes.filter(lane => this.#mayGo(lane))).toEqual([])
  }

  /** A request ends. */
  end(at: number): void {
    const [{ lane, host }] = this.flying.splice(at, 1) as [{ lane: ModelLane; host: string }]
    lane.inFlight--
    this.rounds.endRequest(asLane(lane), host)
    if (lane.isReady()) this.rounds.enqueue(asLane(lane))
  }

  #mayGo(lane: ModelLane): boolean {
    const left = this.#limits.maxInFlight - this.flying.length
    const atHost = this.flying.filter(({ host }) => host === lane.host)
    const leftAtHost = this.#limits.maxInFlightAt(lane.host) - atHost.length
    const ofTenant = (some: typeof this.flying) => some.filter(one => one.lane.tenant === lane.tenant).length
    return (
      lane.isReady() &&
      lane.inFlight === 0 &&
      ofTenant(this.flying) < 4 * left &&
      leftAtHost > 0 &&
      ofTenant(atHost) < 4 * leftAtHost
    )
  }
}

describe('rounds', () => {
  it('never exceed the limits of node and host', () => {
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

  it('leave room for a new tenant, however many requests of another one hang', () => {
    const { rounds, add, end, flying } = bench(64)
    for (let at = 0; at < 500; at++) add('hog', `hog${at}`, 10)
    rounds.run(Number.POSITIVE_INFINITY)
    expect(inFlightOf(flying, 'hog')).toBeLessThan(64)
    add('new', 'new1', 20)
    rounds.run(Number.POSITIVE_INFINITY)
    expect(inFlightOf(flying, 'new')).toBeGreaterThan(0)
    // The new tenant gets through although none of the other's requests ever ends.
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

  it('take turns, so that a flood from one tenant costs another no more than a turn', () => {
    const { rounds, add, end, dispatched } = bench(8)
    add('flood', 'flood', 1_000)
    rounds.run(Number.POSITIVE_INFINITY)
    for (let at = 0; at < 50; at++) end(() => true)
    add('small', 'small', 5)
    const from = dispatched.length
    for (let at = 0; at < 10; at++) end(() => true)
    expect(dispatched.slice(from).filter(endpoint => endpoint === 'small').length).toBeGreaterThanOrEqual(4)
  })

  it('leave room at a host for other tenants, however many requests of one hang there', () => {
    const { rounds, add, flying } = bench(10_000, 128)
    for (let at = 0; at < 200; at++) add('slow', `slow${at}@host`, 10)
    rounds.run(Number.POSITIVE_INFINITY)
    expect(inFlightOf(flying, 'slow')).toBeLessThan(128)
    add('good', 'good@host', 5)
    rounds.run(Number.POSITIVE_INFINITY)
    expect(inFlightOf(flying, 'good')).toBeGreaterThan(0)
  })

  // [tenants, lanes examined per request that ends]. With one tenant: the lane that goes and the next.
  it.each([
    [3, 12],
    [1, 4],
  ])(
    "don't keep examining lanes that wait for a crowded host, and admit all in the end (tenants: %i)",
    (tenants, most) => {
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
      // A tenant that is alone gets four fifths of a host.
      expect(flying).toHaveLength(tenants === 1 ? 7 : 8)
      looks = 0
      let ended = 0
      while (end(() => true)) ended++
      expect([ended, new Set(dispatched).size]).toEqual([500, 500])
      // A few lanes per request that ended, not all of them.
      expect(looks).toBeLessThan(500 * most)
    },
  )

  it('continue where they stopped after a limited number of dispatches', () => {
    const { rounds, add, flying } = bench(100)
    add('t', 'a', 4)
    add('u', 'b', 4)
    expect([rounds.run(3), flying.length]).toEqual([true, 3])
    expect([rounds.run(100), flying.length]).toEqual([false, 8])
  })

  it('leave no lane idle that can go, whatever happens in whatever order', () => {
    const step = fc.record({
      kind: fc.constantFrom('land', 'land', 'land', 'resize', 'due', 'move', 'disable'),
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
      fc.property(shape, ({ lanes, steps, maxInFlight, maxInFlightPerHost }) => {
        const rooms = new Map<string, number>()
        const maxInFlightAt = (host: string) => rooms.get(host) ?? maxInFlightPerHost
        const model = new Model({ maxInFlight, maxInFlightAt }, lanes)
        model.run()
        for (const { kind, pick } of steps) {
          const lane = model.lanes[pick % model.lanes.length]!
          const landing = model.flying.length === 0 ? 0 : pick % model.flying.length
          // What a request comes to can change how many its host gets.
          if (kind === 'resize' && model.flying.length > 0) rooms.set(model.flying[landing]!.host, 1 + (pick % 6))
          if ((kind === 'land' || kind === 'resize') && model.flying.length > 0) model.end(landing)
          else if (kind === 'due') {
            lane.due++
            model.rounds.enqueue(asLane(lane))
          } else if (kind === 'move') {
            lane.host = `h${pick % 3}`
            model.rounds.unpark(asLane(lane))
          } else if (kind === 'disable') lane.due = 0
          model.run()
        }
        while (model.flying.length > 0) {
          model.end(0)
          model.run()
        }
        expect(model.lanes.filter(({ due }) => due > 0)).toEqual([])
      }),
      { numRuns: 500 },
    )
  })
})
