import fc from 'fast-check'
import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { SharedBudget } from '../../src/base/shared-budget.ts'
import type { Attempt } from '../../src/engine/attempt/attempt.ts'
import { type Exchange, noAnswer } from '../../src/engine/attempt/outcome.ts'
import { Attempts, type AttemptsParts } from '../../src/engine/attempts.ts'
import { Bodies } from '../../src/engine/bodies.ts'
import { HostWindows } from '../../src/engine/host-windows.ts'
import { Lane } from '../../src/engine/lane/lane.ts'
import { ProbeTurns } from '../../src/engine/lane/probe-turns.ts'
import { Rounds } from '../../src/engine/rounds.ts'
import type { Moved, Settling } from '../../src/store/operations/deliveries/settlement.ts'
import type { LaneItem } from '../../src/store/operations/lanes/lanes.ts'

type Step =
  | { readonly kind: 'logged' | 'handed in'; readonly deliveries: readonly string[] }
  | { readonly kind: 'considered'; readonly endpoint: string }
  | { readonly kind: 'ran' }

const item = (endpoint: string, nth: number): LaneItem => ({
  tenant: 't',
  delivery: `${endpoint}-${nth}`,
  endpoint,
  partition: Number(endpoint.slice(2)),
  event: 'evt',
  type: 'T',
  test: false,
  replay: false,
  dueAtMs: 0,
  attempts: 0,
  payload: new Uint8Array(10),
})

const answer = (status: number): Exchange => ({ ...noAnswer('internal', null, 0), status, failure: null })

/** Real lanes and rounds between receivers and a store that do what a test says. Notes what happens, in order. */
function start(counts: readonly number[]) {
  const steps: Step[] = []
  const sent: Attempt[] = []
  const handedIn: Settling[] = []
  const log = pino({}, { write: line => void steps.push({ kind: 'logged', deliveries: [JSON.parse(line).delivery] }) })
  const now = () => 1
  const rounds: Rounds = new Rounds(
    { maxInFlight: 1_000, maxInFlightAt: () => 1_000 },
    now,
    () => 'host',
    (lane, host) => attempts.dispatch(lane, host),
  )
  const destination = {
    endpoint: { schedule: null },
    requestVersion: 1,
    isListener: false,
    record: ({ headers, body, truncated }: Exchange) => ({ headers, body, truncated }),
  }
  const parts = {
    store: {
      now,
      latest: now,
      settleMany(settling: readonly Settling[]) {
        steps.push({ kind: 'handed in', deliveries: settling.map(({ settlement: { delivery } }) => delivery) })
        handedIn.push(...settling)
      },
    },
    lanes: {
      configure: () => {},
      consider(lane: Lane) {
        steps.push({ kind: 'considered', endpoint: lane.endpoint })
        if (lane.isReady(now())) rounds.enqueue(lane)
      },
      run() {
        steps.push({ kind: 'ran' })
        rounds.run(Number.POSITIVE_INFINITY)
      },
      reset: () => {},
    },
    clock: { after: () => ({ cancel: () => {} }) },
    log,
    options: { retrySchedule: [60], random: () => 0 },
    partitions: { epochOf: () => 1 },
    rounds,
    hostWindows: new HostWindows(1_000, 5_000),
    destinations: { get: () => destination, isCurrent: () => true },
    sender: { send: (attempt: Attempt) => void sent.push(attempt) },
    bodies: new Bodies(),
    health: { record: () => [] },
    schedules: { of: () => null },
    crashMode: { endTrial: () => false, cancelTrial: () => false },
    probes: new ProbeTurns(),
  }
  const attempts = new Attempts(parts as unknown as AttemptsParts)
  const items = new SharedBudget(1_000).of('t')
  const lanes = counts.map((count, nth) => {
    const limits = { maxWindow: 32, depth: 1_000, items, payloads: new SharedBudget(1e6).of('t') }
    const lane = new Lane('t', `ep${nth}`, nth, Number.POSITIVE_INFINITY, limits)
    for (let at = 0; at < count; at++) lane.offer(item(lane.endpoint, at))
    rounds.enqueue(lane)
    return lane
  })
  rounds.run(Number.POSITIVE_INFINITY)
  return { attempts, lanes, sent, handedIn, rounds, takeSteps: () => steps.splice(0) }
}

const turn = () => new Promise(resolve => setImmediate(resolve))
const deliveryOf = ({ item: { delivery } }: Attempt) => delivery

/** Takes what some numbers choose, in the order of the numbers. */
const choose = <T>(from: T[], numbers: readonly number[]): T[] =>
  numbers.flatMap(number => (from.length === 0 ? [] : from.splice(number % from.length, 1)))

describe('attempts', () => {
  it('that end in one turn are concluded in that order, handed in together, and each lane is considered once', async () => {
    const results = fc.constantFrom<Attempt['result']>(answer(204), answer(500), noAnswer('dns_failed', null, 0), null)
    const moves = fc.constantFrom<Moved>('ended', 'unmoved', 60_000)
    const turns = fc.array(
      fc.record({
        ends: fc.array(fc.tuple(fc.nat(50), results), { maxLength: 12 }),
        settles: fc.array(fc.tuple(fc.nat(50), moves), { maxLength: 12 }),
      }),
      { maxLength: 12 },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(40), { minLength: 1, maxLength: 4 }), turns, async (counts, all) => {
        const { attempts, lanes, sent, handedIn, rounds, takeSteps } = start(counts)
        const last = { ends: Array(200).fill([0, answer(204)]), settles: Array(200).fill([0, 'ended']) }
        // Windows grow from 4, so that it takes some turns until everything was sent.
        for (const { ends, settles } of [...all, ...Array<typeof last>(40).fill(last)]) {
          takeSteps()
          const ended = choose(
            sent,
            ends.map(([number]) => number),
          )
          ended.forEach((attempt, nth) => void attempt.over(ends[nth]![1]))
          const settled = choose(
            handedIn,
            settles.map(([number]) => number),
          ) as Attempt[]
          settled.forEach((attempt, nth) => void attempt.settled(settles[nth]![1]))
          // Nothing happens before the turn is over.
          expect(takeSteps()).toEqual([])
          await turn()
          const answered = ended.filter((_, nth) => ends[nth]![1] !== null)
          const concluded = answered.map(deliveryOf)
          const concerned = new Set([...settled, ...answered].map(({ lane }) => lane))
          // An outcome can wait for long until it is stored, and needs no more memory than it has to.
          expect(answered.map(({ result }) => result)).toEqual(answered.map(() => null))
          const steps = takeSteps()
          if (ended.length + settled.length === 0) expect(steps).toEqual([])
          else {
            expect(
              steps.splice(0, concluded.length).flatMap(step => ('deliveries' in step ? step.deliveries : [])),
            ).toEqual(concluded)
            if (concluded.length > 0) expect(steps.shift()).toEqual({ kind: 'handed in', deliveries: concluded })
            const considered = steps.splice(0, concerned.size)
            expect(new Set(considered)).toEqual(
              new Set([...concerned].map(({ endpoint }) => ({ kind: 'considered', endpoint }))),
            )
            expect(steps).toEqual([{ kind: 'ran' }])
          }
        }
        expect([sent, handedIn, rounds.inFlight]).toEqual([[], [], 0])
        expect(lanes.map(({ inFlight }) => inFlight)).toEqual(lanes.map(() => 0))
        await attempts.inFlight.untilIdle()
      }),
      { numRuns: 60 },
    )
  })
})
