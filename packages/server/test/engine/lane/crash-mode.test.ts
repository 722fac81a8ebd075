import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { CrashMode } from '../../../src/engine/lane/crash-mode.ts'
import type { TrialAnswer, TrialRequest } from '../../../src/store/operations/deliveries/trials.ts'
import type { LaneItem } from '../../../src/store/operations/lanes/lanes.ts'
import type { Store } from '../../../src/store/store.ts'
import { StoreUnavailable } from '../../../src/store/transaction.ts'

const item = (delivery: string) => ({ tenant: 'acme', delivery, endpoint: 'ep', event: 'evt', type: 'T' }) as LaneItem

/** A store that answers as it is told, and keeps what it was asked. */
function bench(answer: (trial: TrialRequest) => Promise<TrialAnswer>) {
  const takenBack: string[][] = []
  const store = {
    write: async (name: string, args: TrialRequest & { trials: readonly TrialRequest[] }) => {
      if (name === 'beginTrial') return answer(args)
      takenBack.push(args.trials.map(({ delivery }) => delivery))
    },
  } as unknown as Store
  return { caution: new CrashMode(store, pino({ level: 'silent' })), takenBack }
}

/** Each delivery has had two open trials already. */
const onTheirLast = async ({ mayBeLast }: TrialRequest): Promise<TrialAnswer> => (mayBeLast ? 'last' : 'wait')

describe('caution', () => {
  it('C13: one delivery at a time is on its last trial, and the next follows when that is over', async () => {
    const { caution, takenBack } = bench(onTheirLast)
    const order: string[] = []
    const begin = async (name: string) => {
      if ((await caution.beginTrial(item(name), 1)) === 'last') order.push(name)
      else caution.untilFree(() => void begin(name))
    }
    for (const name of ['a', 'b', 'c']) await begin(name)
    expect(order).toEqual(['a'])
    expect(caution.settled('a', true)).toBe(true)
    await expect.poll(() => order).toEqual(['a', 'b'])
    // Its end was not its to move: the trial is taken back.
    expect(caution.settled('b', false)).toBe(true)
    await expect.poll(() => order).toEqual(['a', 'b', 'c'])
    expect(takenBack).toEqual([['b']])
    await caution.takeBackAll()
    await caution.takeBackAll()
    expect(takenBack).toEqual([['b'], ['c']])
    expect([caution.settled('c', true), caution.settled('never begun', false)]).toEqual([false, false])
  })

  it('C13: a turn that came to nothing holds up the others until they are woken', async () => {
    const { caution } = bench(onTheirLast)
    expect(await caution.beginTrial(item('a'), 1)).toBe('last')
    const woken: string[] = []
    for (const name of ['b', 'c', 'd']) caution.untilFree(() => woken.push(name))
    caution.wake()
    expect(woken).toEqual([])
    caution.settled('a', true)
    expect(woken).toEqual(['b'])
    caution.wake()
    expect(woken).toEqual(['b', 'c', 'd'])
    caution.untilFree(() => woken.push('e'))
    expect(woken.at(-1)).toBe('e')
  })

  it('C13: what could not be written down leaves nothing behind', async () => {
    const { caution, takenBack } = bench(() => Promise.reject(new StoreUnavailable('away')))
    expect([await caution.beginTrial(item('a'), 1), await caution.beginTrial(item('b'), undefined)]).toEqual([
      'gone',
      'gone',
    ])
    await caution.takeBackAll()
    expect([takenBack, caution.settled('a', true)]).toEqual([[], false])
    let isFree = false
    caution.untilFree(() => {
      isFree = true
    })
    expect(isFree).toBe(true)
  })

  it('applies to the partitions that a crash left, until their lanes are known', () => {
    const { caution } = bench(onTheirLast)
    caution.begin([3, 4])
    caution.end(3)
    expect([3, 4, 5].map(partition => caution.appliesTo(partition))).toEqual([false, true, false])
  })
})
