import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { SharedBudget } from '../../../src/base/shared-budget.ts'
import { Lane, type LaneRead } from '../../../src/engine/lane/lane.ts'
import { RateWindow } from '../../../src/engine/lane/rate.ts'
import type { LaneItem } from '../../../src/store/operations/lanes/lanes.ts'

const item = (delivery: string, dueAtMs: number, attempts = 0): LaneItem => ({
  tenant: 't',
  delivery,
  endpoint: 'ep',
  partition: 0,
  event: `evt_${delivery}`,
  type: 'T',
  test: false,
  replay: false,
  dueAtMs,
  attempts,
  payload: null,
})

const LIMITS = { maxWindow: 3, depth: 2, items: new SharedBudget(2_000).of('t'), payloads: new SharedBudget(0).of('t') }

/** The store as the lane sees it: rows in queue order, and reads whose snapshot is older than their arrival. */
class Model {
  readonly rows = new Map<string, LaneItem>()
  readonly inFlight: LaneItem[] = []
  readonly settling: { item: LaneItem; isSuccess: boolean }[] = []
  readonly lane = new Lane('t', 'ep', 0, Number.POSITIVE_INFINITY, LIMITS)
  isOrdered = true
  isUntold = false
  reading: { read: LaneRead; rows: LaneItem[]; isOrdered: boolean } | undefined
  nowMs = 0
  count = 0

  constructor() {
    this.lane.configure(true, null, 0)
  }

  publish(): void {
    const fresh = item(`d${this.count++}`, this.nowMs)
    this.rows.set(fresh.delivery, fresh)
    this.lane.offer(fresh)
  }

  /** Publishes on another node. This one is notified later, and might publish something itself before that. */
  publishElsewhere(): void {
    const fresh = item(`d${this.count++}`, this.nowMs)
    this.rows.set(fresh.delivery, fresh)
    this.isUntold = true
  }

  hear(): void {
    if (this.isUntold) this.lane.wake()
    this.isUntold = false
  }

  toggle(): void {
    this.isOrdered = !this.isOrdered
    this.lane.configure(this.isOrdered, null, 0)
  }

  beginRead(): void {
    if (this.reading !== undefined || !this.lane.needsRead(this.nowMs)) return
    const read = this.lane.beginRead(this.nowMs)
    const rows = [...this.rows.values()]
    if (!this.isOrdered) rows.sort((a, b) => a.dueAtMs - b.dueAtMs)
    this.reading = { read, rows: rows.slice(0, read.limit), isOrdered: this.isOrdered }
  }

  endRead(fails: boolean): void {
    const reading = this.reading
    this.reading = undefined
    if (reading === undefined) return
    const found = reading.isOrdered ? { isNumbered: true, againMs: Number.POSITIVE_INFINITY } : undefined
    if (fails) this.lane.abandonRead(reading.read)
    else this.lane.completeRead(reading.read, reading.rows, found)
  }

  dispatch(): void {
    if (!this.lane.isReady(this.nowMs)) return
    const taken = this.lane.takeNext()
    if (this.isOrdered) {
      expect(this.inFlight.length + this.settling.length, 'no other in progress').toBe(0)
      expect([...this.rows.keys()][0], 'the head of the queue').toBe(taken.delivery)
    }
    expect(this.rows.get(taken.delivery)).toMatchObject({ attempts: taken.attempts, dueAtMs: taken.dueAtMs })
    expect(taken.dueAtMs).toBeLessThanOrEqual(this.nowMs)
    this.inFlight.push(taken)
  }

  land(isSuccess: boolean): void {
    const landed = this.inFlight.shift()
    if (landed === undefined) return
    this.lane.endRequest({ isSuccess, neverConnected: false, nowMs: this.nowMs, longestPauseMs: 0, random: 0 })
    this.settling.push({ item: landed, isSuccess })
  }

  settle(): void {
    const settled = this.settling.shift()
    if (settled === undefined) return
    const { delivery, attempts } = settled.item
    const row = this.rows.get(delivery)
    if (row === undefined) this.lane.release(delivery, 0)
    else if (settled.isSuccess || attempts >= 2) {
      this.rows.delete(delivery)
      this.lane.complete(delivery)
    } else {
      const again = { ...row, attempts: attempts + 1, dueAtMs: this.nowMs + 5 }
      this.rows.set(delivery, again)
      this.lane.retry(again, this.nowMs)
    }
  }

  /** The outcome could not be stored, or the delivery could not be sent. */
  leave(): void {
    const settled = this.settling.shift()
    if (settled !== undefined) this.lane.release(settled.item.delivery, this.nowMs + 2)
    if (!this.isOrdered) this.lane.reset()
  }

  cancel(which: number): void {
    const id = [...this.rows.keys()][which]
    if (id === undefined) return
    this.rows.delete(id)
    this.lane.reset()
  }

  /** Someone wants the first delivery sent now. */
  hurry(): void {
    const [first] = this.rows.values()
    if (first === undefined || this.inFlight.length + this.settling.length > 0) return
    this.rows.set(first.delivery, { ...first, dueAtMs: this.nowMs })
    this.lane.reset()
  }

  finish(): void {
    this.hear()
    for (let turn = 0; turn < 2_000; turn++) {
      this.nowMs = Math.max(this.nowMs, Math.min(this.lane.nextWakeMs(), this.nowMs + 100))
      this.beginRead()
      this.endRead(false)
      this.dispatch()
      this.land(true)
      this.settle()
      if (this.rows.size === 0 && this.lane.isEmpty) return
    }
  }
}

const STEPS = {
  publish: model => model.publish(),
  flood: model => Array.from({ length: 8 }, () => model.publish()),
  publishElsewhere: model => model.publishElsewhere(),
  hear: model => model.hear(),
  beginRead: model => model.beginRead(),
  endRead: model => model.endRead(false),
  failRead: model => model.endRead(true),
  dispatch: model => model.dispatch(),
  land: model => model.land(true),
  fail: model => model.land(false),
  settle: model => model.settle(),
  leave: model => model.leave(),
  cancelFirst: model => model.cancel(0),
  cancelSecond: model => model.cancel(1),
  hurry: model => model.hurry(),
  wait: model => {
    model.nowMs += 3
  },
  toggle: model => model.toggle(),
} as const satisfies Record<string, (model: Model) => unknown>

describe('the lane of an ordered endpoint', () => {
  it('C13: sends one delivery at a time, always the head of the queue, and forgets none, whatever happens', () => {
    const names = Object.keys(STEPS) as (keyof typeof STEPS)[]
    const step = fc.constantFrom(...names, 'dispatch', 'endRead', 'settle', 'beginRead' as const)
    fc.assert(
      fc.property(fc.array(step, { maxLength: 150, size: 'max' }), steps => {
        const model = new Model()
        for (const name of steps) STEPS[name](model)
        model.finish()
        expect([...model.rows.keys()], 'left in the store').toEqual([])
        expect(model.lane.isEmpty).toBe(true)
      }),
      { numRuns: 3_000 },
    )
  })

  it('sends nothing while the head of the queue waits for its retry', () => {
    const model = new Model()
    for (const name of ['publish', 'publish', 'beginRead', 'endRead', 'dispatch', 'fail', 'settle'] as const) {
      STEPS[name](model)
    }
    STEPS.beginRead(model)
    STEPS.endRead(model)
    expect(model.lane.isReady(4)).toBe(false)
    expect(model.lane.nextWakeMs()).toBe(5)
    expect(model.lane.isReady(5)).toBe(true)
  })

  it('reads again soon while held deliveries are being released', () => {
    const { lane } = new Model()
    const read = lane.beginRead(0)
    lane.completeRead(read, [], { isNumbered: false, againMs: 1_000 })
    expect([lane.isEmpty, lane.nextWakeMs(), lane.needsRead(999), lane.needsRead(1_000)]).toEqual([
      false,
      1_000,
      false,
      true,
    ])
  })
})

describe('the lane of an endpoint with a rate limit', () => {
  it('is not ready while the rate is used up, and ready again once a place is released', () => {
    const lane = new Lane('t', 'ep', 0, Number.POSITIVE_INFINITY, { ...LIMITS, maxWindow: 8 })
    const rate = new RateWindow({ requests: 2, perSeconds: 60 }, systemClock)
    lane.configure(false, rate, 0)
    for (const name of ['a', 'b', 'c']) lane.offer(item(name, 0))
    lane.takeNext()
    lane.takeNext()
    expect(lane.isReady(0)).toBe(false)
    rate.release()
    expect(lane.isReady(0)).toBe(true)
  })
})
