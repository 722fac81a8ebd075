import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { CrashMode } from '../../../src/engine/lane/crash-mode.ts'
import type { TrialAnswer, TrialRequest } from '../../../src/store/operations/deliveries/trials.ts'
import type { LaneItem } from '../../../src/store/operations/lanes/lanes.ts'
import type { Store } from '../../../src/store/store.ts'
import { StoreUnavailable } from '../../../src/store/transaction.ts'

const item = (delivery: string) => ({ tenant: 'acme', delivery, endpoint: 'ep', event: 'evt', type: 'T' }) as LaneItem

/** A store that responds as the test says, and records which trials were taken back. */
function bench(answer: (trial: TrialRequest) => Promise<TrialAnswer>) {
  const takenBack: string[][] = []
  const store = {
    write: async (name: string, args: TrialRequest & { trials: readonly TrialRequest[] }) => {
      if (name === 'beginTrial') return answer(args)
      takenBack.push(args.trials.map(({ delivery }) => delivery))
    },
  } as unknown as Store
  return { crashMode: new CrashMode(store, pino({ level: 'silent' })), takenBack }
}

/** Every delivery already has two open trials. */
const onTheirLast = async ({ mayBeLast }: TrialRequest): Promise<TrialAnswer> => (mayBeLast ? 'last' : 'wait')

describe('crash mode', () => {
  it('C13: one delivery at a time is on its last trial, and the next follows when it has ended', async () => {
    const { crashMode, takenBack } = bench(onTheirLast)
    const order: string[] = []
    const begin = async (name: string) => {
      if ((await crashMode.beginTrial(item(name), 1)) === 'last') order.push(name)
      else crashMode.whenLastIsFree(() => void begin(name))
    }
    for (const name of ['a', 'b', 'c']) await begin(name)
    expect(order).toEqual(['a'])
    expect(crashMode.endTrial('a', true)).toBe(true)
    await expect.poll(() => order).toEqual(['a', 'b'])
    // Its outcome didn't move the delivery, so the trial is taken back.
    expect(crashMode.endTrial('b', false)).toBe(true)
    await expect.poll(() => order).toEqual(['a', 'b', 'c'])
    expect(takenBack).toEqual([['b']])
    await crashMode.cancelAllTrials()
    await crashMode.cancelAllTrials()
    expect(takenBack).toEqual([['b'], ['c']])
    expect([crashMode.endTrial('c', true), crashMode.endTrial('never begun', false)]).toEqual([false, false])
  })

  it('C13: a resumed delivery that begins no trial holds up the others only until they are woken', async () => {
    const { crashMode } = bench(onTheirLast)
    expect(await crashMode.beginTrial(item('a'), 1)).toBe('last')
    const woken: string[] = []
    for (const name of ['b', 'c', 'd']) crashMode.whenLastIsFree(() => woken.push(name))
    crashMode.resumeWaiting()
    expect(woken).toEqual([])
    crashMode.endTrial('a', true)
    expect(woken).toEqual(['b'])
    crashMode.resumeWaiting()
    expect(woken).toEqual(['b', 'c', 'd'])
    crashMode.whenLastIsFree(() => woken.push('e'))
    expect(woken.at(-1)).toBe('e')
  })

  it('C13: a trial that could not be stored leaves nothing behind', async () => {
    const { crashMode, takenBack } = bench(() => Promise.reject(new StoreUnavailable('unavailable')))
    expect([await crashMode.beginTrial(item('a'), 1), await crashMode.beginTrial(item('b'), undefined)]).toEqual([
      'gone',
      'gone',
    ])
    await crashMode.cancelAllTrials()
    expect([takenBack, crashMode.endTrial('a', true)]).toEqual([[], false])
    let isFree = false
    crashMode.whenLastIsFree(() => {
      isFree = true
    })
    expect(isFree).toBe(true)
  })

  it('applies to the partitions that a crash left behind, until their lanes are known', () => {
    const { crashMode } = bench(onTheirLast)
    crashMode.enter([3, 4])
    crashMode.leave(3)
    expect([3, 4, 5].map(partition => crashMode.appliesTo(partition))).toEqual([false, true, false])
  })
})
