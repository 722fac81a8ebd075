import { expect, it } from 'vitest'
import { SharedBudget } from '../../../src/base/shared-budget.ts'
import { Lane } from '../../../src/engine/lane/lane.ts'
import { LaneReader } from '../../../src/engine/lane/lane-reader.ts'
import type { LaneItem, LaneQuery } from '../../../src/store/operations/lanes/lanes.ts'
import type { Store } from '../../../src/store/store.ts'

/** A store whose reads end when the test says so. */
function heldStore() {
  const begun: string[] = []
  const ending: (() => void)[] = []
  const store = {
    now: () => 1_000,
    readLane({ endpoint }: LaneQuery): Promise<LaneItem[]> {
      begun.push(endpoint)
      return new Promise(resolve => ending.push(() => resolve([])))
    },
  } as unknown as Store
  const endOne = async () => {
    ending.shift()!()
    await new Promise(resolve => setImmediate(resolve))
  }
  return { store, begun, endOne }
}

function laneOf(tenant: string, endpoint: string): Lane {
  const room = new SharedBudget(1_000_000).of(tenant)
  return new Lane(tenant, endpoint, 0, 0, { maxWindow: 32, depth: 256, items: room, payloads: room })
}

it('reads for four lanes at a time, for tenants in turn, and only for lanes that still need it', async () => {
  const { store, begun, endOne } = heldStore()
  const consider = (lane: Lane) => {
    if (lane.needsRead(1_000)) void reader.read(lane)
  }
  const fail = () => expect.unreachable()
  const reader = new LaneReader(store, new SharedBudget(1_000), { done: consider, failed: fail })
  const many = Array.from({ length: 100 }, (_, at) => laneOf('many', `many-${at}`))
  const few = [laneOf('few', 'few-0'), laneOf('few', 'few-1')]
  for (const lane of [...many, ...few, ...many]) consider(lane)
  expect(begun).toEqual(['many-0', 'many-1', 'many-2', 'many-3'])
  many[5]!.clear()
  for (let count = 0; count < 4; count++) await endOne()
  expect(begun.slice(4)).toEqual(['many-4', 'few-0', 'few-1', 'many-6'])
  while (begun.length < 101) await endOne()
  expect(new Set(begun).size).toBe(101)
  for (let count = 0; count < 4; count++) await endOne()
  expect(begun.length).toBe(101)
})
