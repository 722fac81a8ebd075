import { expect, it } from 'vitest'
import { OtherCalls } from '../../src/store/other-calls.ts'
import { TenantCall } from '../../src/store/tenant-call.ts'
import { HandClock } from '../hand-clock.ts'

const LIMITS = { total: 100, each: 10 }

it('calls that rest can be taken as soon as the rest is over, also if it ends while it is looked at', () => {
  const clock = new HandClock()
  const calls = new OtherCalls(clock, () => true)
  const add = () => void calls.add('acme', { name: 'putTenant', args: {} }, new TenantCall('acme', clock))
  expect(calls.readyInMs).toBeUndefined()
  add()
  expect([calls.isReady, calls.readyInMs]).toEqual([true, 0])
  calls.charge(calls.take(LIMITS), 10)
  add()
  expect([calls.isReady, calls.readyInMs]).toEqual([false, 30])
  clock.turn(30)
  expect(calls.readyInMs).toBe(0)
  const release = calls.hold()
  expect(calls.readyInMs).toBeUndefined()
  release()
  expect(calls.take(LIMITS)).toHaveLength(1)
})
