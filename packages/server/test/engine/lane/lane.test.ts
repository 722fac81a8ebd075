import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SharedBudget } from '../../../src/base/shared-budget.ts'
import { Lane, type LaneRead } from '../../../src/engine/lane/lane.ts'
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
  payload: new Uint8Array(10),
})

const ended = (isSuccess: boolean, nowMs = 0, neverConnected = false) => ({
  isSuccess,
  neverConnected,
  nowMs,
  longestPauseMs: 32,
  random: 0,
})

const makeLane = (depth = 2, earliestMs = Number.POSITIVE_INFINITY) =>
  new Lane('t', 'ep', 0, earliestMs, {
    maxWindow: 3,
    depth,
    items: new SharedBudget(2_000).of('t'),
    payloads: new SharedBudget(43).of('t'),
  })

/** The store as the lane sees it: rows by id, and reads whose snapshot is older than their arrival. */
class Model {
  readonly rows = new Map<string, LaneItem>()
  readonly inFlight: LaneItem[] = []
  readonly settling: LaneItem[] = []
  readonly sent: string[] = []
  lane = makeLane()
  pausedUntilMs = 0
  asked: string[] = []
  reading: { read: LaneRead; rows: LaneItem[] } | undefined
  nowMs = 0
  count = 0

  publish(isTold: boolean): void {
    const fresh = item(`d${this.count++}`, this.nowMs)
    this.rows.set(fresh.delivery, fresh)
    // The sweep finds lost notifications. Here that happens immediately.
    if (isTold) this.lane.offer(fresh)
    else this.lane.reset()
  }

  beginRead(): void {
    if (this.reading !== undefined || !this.lane.needsRead(this.nowMs)) return
    const read = this.lane.beginRead(this.nowMs)
    const rows = [...this.rows.values()].sort((a, b) => a.dueAtMs - b.dueAtMs).slice(0, read.limit)
    this.reading = { read, rows }
  }

  endRead(fails: boolean): void {
    const reading = this.reading
    this.reading = undefined
    if (reading === undefined) return
    if (fails) this.lane.abandonRead(reading.read)
    else this.lane.completeRead(reading.read, reading.rows)
  }

  dispatch(): void {
    if (!this.lane.isReady(this.nowMs)) return
    if (this.lane.isInCrashMode) expect([this.inFlight, this.settling]).toEqual([[], []])
    const taken = this.lane.takeNext()
    expect(this.lane.inFlight).toBeLessThanOrEqual(this.lane.window)
    expect([...this.inFlight, ...this.settling].map(({ delivery }) => delivery)).not.toContain(taken.delivery)
    // The delivery is as in the store: neither settled nor cancelled, and at the right attempt.
    expect(this.rows.get(taken.delivery)?.attempts).toBe(taken.attempts)
    this.inFlight.push(taken)
    this.sent.push(taken.delivery)
  }

  land(isSuccess: boolean): void {
    const landed = this.inFlight.shift()
    if (landed === undefined) return
    this.lane.endRequest(ended(isSuccess, this.nowMs, !isSuccess && this.count % 2 === 0))
    this.settling.push({ ...landed, test: isSuccess })
  }

  settle(): void {
    const settled = this.settling.shift()
    if (settled === undefined) return
    this.lane.leaveCrashMode()
    const row = this.rows.get(settled.delivery)
    if (row === undefined || settled.test || settled.attempts >= 2) {
      this.rows.delete(settled.delivery)
      this.lane.complete(settled.delivery)
      return
    }
    const again = { ...row, attempts: settled.attempts + 1, dueAtMs: this.nowMs + 5 }
    this.rows.set(row.delivery, again)
    this.lane.retry(again, this.nowMs)
  }

  cancel(): void {
    const [first] = this.rows.keys()
    if (first === undefined) return
    this.rows.delete(first)
    this.lane.reset()
  }

  /** The receiver asks for a pause. */
  pause(): void {
    this.pausedUntilMs = Math.max(this.pausedUntilMs, this.nowMs + 7)
    this.lane.configure(false, null, this.pausedUntilMs)
  }

  /** Someone wants a delivery sent now, or has just cancelled it. */
  hurry(isThere: boolean): void {
    const [first] = [...this.rows.values()].slice(-1)
    const delivery = first?.delivery ?? 'd0'
    this.lane.markUrgent(delivery)
    this.lane.reset()
    this.asked.push(delivery)
    if (!isThere) this.rows.delete(delivery)
  }

  handIn(): void {
    const asked = this.asked.shift()
    if (asked !== undefined) this.lane.offerUrgent(asked, this.rows.get(asked) ?? null)
  }

  /** The endpoint's partition returns to this node after another node crashed. */
  takeOver(): void {
    this.lane.reset()
    this.lane.enterCrashMode()
  }

  /** If a delivery is due and nothing is in progress, the lane must have something to do next. */
  expectNotStuck(): void {
    if (this.inFlight.length + this.settling.length > 0 || this.reading !== undefined) return
    if (![...this.rows.values()].some(({ dueAtMs }) => dueAtMs <= this.nowMs)) return
    const atMs = Math.max(this.nowMs, this.lane.nextWakeMs())
    expect(atMs).toBeLessThanOrEqual(Math.max(this.nowMs, this.pausedUntilMs, this.lane.recovery.notBeforeMs))
    expect(this.lane.isReady(atMs) || this.lane.needsRead(atMs), 'the lane continues').toBe(true)
  }

  /** Nothing new arrives: everything pending must be sent, whatever state the lane is in. */
  finish(): void {
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

describe('lane', () => {
  it('C13: forgets no delivery and never sends one twice at the same time, whatever happens in whatever order', () => {
    const step = fc.constantFrom(
      'publish',
      'flood',
      'lose',
      'beginRead',
      'endRead',
      'failRead',
      'dispatch',
      'land',
      'fail',
      'settle',
      'cancel',
      'takeOver',
      'pause',
      'hurry',
      'cancelHurried',
      'handIn',
      'wait',
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120, size: 'max' }), steps => {
        const model = new Model()
        for (const name of steps) {
          if (name === 'publish') model.publish(true)
          else if (name === 'flood') for (let at = 0; at < 3; at++) model.publish(true)
          else if (name === 'lose') model.publish(false)
          else if (name === 'beginRead') model.beginRead()
          else if (name === 'endRead') model.endRead(false)
          else if (name === 'failRead') model.endRead(true)
          else if (name === 'dispatch') model.dispatch()
          else if (name === 'land') model.land(true)
          else if (name === 'pause') model.pause()
          else if (name === 'hurry') model.hurry(true)
          else if (name === 'cancelHurried') model.hurry(false)
          else if (name === 'handIn') model.handIn()
          else if (name === 'fail') model.land(false)
          else if (name === 'settle') model.settle()
          else if (name === 'cancel') model.cancel()
          else if (name === 'takeOver') model.takeOver()
          else model.nowMs += 3
          model.expectNotStuck()
        }
        model.finish()
        expect([...model.rows.keys()], 'left in the store').toEqual([])
        expect(model.lane.isEmpty).toBe(true)
      }),
      {
        numRuns: 2_000,
        examples: [[['publish', 'dispatch', 'hurry', 'publish', 'fail', 'hurry', 'handIn', 'handIn', 'settle']]],
      },
    )
  })

  it('takes in a fresh delivery only if the store has none that is due earlier', () => {
    const lane = makeLane(4, 50)
    expect(lane.offer(item('a', 60))).toBe(false)
    expect(lane.offer(item('b', 40))).toBe(true)
    expect(lane.storeEarliestMs).toBe(50)
  })

  it('C12: sends a fresh delivery although it is full of retries due later', () => {
    const lane = makeLane(2)
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) expect(lane.offer(item(name, 1_000))).toBe(true)
    expect(lane.offer(item('g', 1_000))).toBe(false)
    expect(lane.offer(item('fresh', 10))).toBe(true)
    expect(lane.isReady(10)).toBe(true)
    expect(lane.takeNext().delivery).toBe('fresh')
    expect(lane.storeEarliestMs).toBe(1_000)
  })

  it('holds what its window can use soon: less after failures, and only the window when all lanes are full', () => {
    const items = new SharedBudget(24).of('t')
    const limits = { maxWindow: 4, depth: 4, items, payloads: new SharedBudget(0).of('t') }
    const lane = new Lane('t', 'ep', 0, Number.POSITIVE_INFINITY, limits)
    const fill = (of: Lane) => Array.from({ length: 50 }, (_, at) => of.offer(item(`d${at}`, 0))).filter(Boolean).length
    expect(fill(lane)).toBe(16)
    items.reserve(10)
    const other = new Lane('t', 'ep2', 0, Number.POSITIVE_INFINITY, limits)
    expect(fill(other)).toBe(4)
    items.release(10)
    for (let at = 0; at < 16; at++) lane.complete(lane.takeNext().delivery)
    for (let at = 0; at < 16; at++) lane.endRequest(ended(false))
    const failing = new Lane('t', 'ep3', 0, Number.POSITIVE_INFINITY, limits)
    failing.offer(item('x', 0))
    failing.takeNext()
    failing.endRequest(ended(false))
    failing.endRequest(ended(false))
    failing.complete('x')
    expect(fill(failing)).toBe(4)
  })

  it('C13: takes one delivery after a crash, and behaves normally once that has settled', () => {
    const lane = makeLane(4)
    lane.enterCrashMode()
    for (const name of ['a', 'b', 'c', 'd', 'e']) lane.offer(item(name, 0))
    expect([lane.takeNext().delivery, lane.isReady(0), lane.window]).toEqual(['a', false, 1])
    lane.endRequest(ended(true))
    expect(lane.isReady(0)).toBe(false)
    lane.leaveCrashMode()
    lane.complete('a')
    expect([lane.isInCrashMode, lane.window]).toEqual([false, 3])
    expect([lane.takeNext(), lane.takeNext(), lane.takeNext()].map(({ delivery }) => delivery)).toEqual(['b', 'c', 'd'])
  })

  it('keeps payloads within the budget, and releases them', () => {
    const lane = makeLane()
    for (const name of ['a', 'b', 'c', 'd']) lane.offer(item(name, 0))
    const taken = [lane.takeNext(), lane.takeNext(), lane.takeNext()]
    expect(taken.map(({ payload }) => payload === null)).toEqual([false, false, false])
    expect(lane.takeNext().payload).toBeNull()
    for (const name of ['a', 'b', 'c', 'd']) lane.complete(name)
    lane.offer(item('e', 0))
    expect(lane.takeNext().payload).not.toBeNull()
  })

  it('shrinks its window to one while the endpoint fails, and grows it again afterwards', () => {
    const lane = makeLane(50)
    for (let at = 0; at < 50; at++) lane.offer(item(`d${at}`, 0))
    const run = (isSuccess: boolean) => {
      lane.takeNext()
      lane.endRequest(ended(isSuccess))
    }
    for (let at = 0; at < 5; at++) run(false)
    expect(lane.window).toBe(1)
    for (let at = 0; at < 5; at++) run(true)
    expect(lane.window).toBe(3)
  })
})

it('a lane with a wide window never runs out of deliveries while the store has some', () => {
  const limits = {
    maxWindow: 1_024,
    depth: 256,
    items: new SharedBudget(250_000).of('t'),
    payloads: new SharedBudget(2_000_000).of('t'),
  }
  const lane = new Lane('t', 'ep', 0, 0, limits)
  let stored = 0
  const held: LaneItem[] = []
  const rows: LaneItem[] = []
  const windows: number[] = []
  for (let step = 0; step < 30_000; step++) {
    if (lane.needsRead(1)) {
      const read = lane.beginRead(1)
      while (rows.length < read.limit) rows.push(item(`d${stored++}`, 0))
      lane.completeRead(read, rows.slice(0, read.limit))
    }
    while (lane.isReady(1)) held.push(lane.takeNext())
    windows.push(lane.inFlight)
    const { delivery } = held.shift()!
    lane.endRequest(ended(true, 1))
    lane.complete(delivery)
    rows.splice(
      rows.findIndex(row => row.delivery === delivery),
      1,
    )
  }
  expect(Math.min(...windows.slice(windows.indexOf(1_024)))).toBe(1_024)
})
