import { expect, it } from 'vitest'
import type { Clock } from '../../src/base/clock.ts'
import type { Bus } from '../../src/store/bus.ts'
import { Changes } from '../../src/store/changes.ts'
import { Relay } from '../../src/store/relay.ts'
import type { Store } from '../../src/store/store.ts'

/** A clock that moves only when the test turns it. */
class HandClock implements Clock {
  ms = 1_000
  #timers: { atMs: number; fire: () => void }[] = []

  now = () => this.ms
  monotonicMs = () => this.ms
  after(delayMs: number, fire: () => void) {
    const timer = { atMs: this.ms + delayMs, fire }
    this.#timers.push(timer)
    const cancel = () => {
      this.#timers = this.#timers.filter(one => one !== timer)
    }
    return { cancel }
  }

  async turn(ms: number): Promise<void> {
    const untilMs = this.ms + ms
    for (;;) {
      const next = this.#timers.filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0]
      if (next === undefined) break
      this.#timers = this.#timers.filter(one => one !== next)
      this.ms = Math.max(this.ms, next.atMs)
      next.fire()
      await new Promise(setImmediate)
    }
    this.ms = untilMs
  }
}

async function aRelay() {
  const clock = new HandClock()
  const changes = new Changes()
  const none = { seq: 0, catalogueVersion: 0, tenants: [], endpoints: [] }
  const store = { changes, read: async () => none } as Partial<Store> as Store
  const sent: { atMs: number; words: { tenant?: string }[] }[] = []
  const bus: Bus = {
    open: async () => {},
    send: async text => {
      sent.push({ atMs: clock.ms, words: JSON.parse(text).words })
      return true
    },
    close: async () => {},
  }
  const relay = new Relay(store, bus, clock, () => false)
  await relay.start()
  return { clock, relay, sent, tell: (tenant: string) => changes.emit({ kind: 'tenant', tenant }) }
}

it('sends the first message immediately, and gathers what follows for 50 ms', async () => {
  const { clock, relay, sent, tell } = await aRelay()
  tell('a')
  tell('b')
  await clock.turn(0)
  expect(sent).toEqual([
    { atMs: 1_000, words: [expect.objectContaining({ tenant: 'a' }), expect.objectContaining({ tenant: 'b' })] },
  ])
  await clock.turn(10)
  tell('c')
  await clock.turn(30)
  tell('d')
  expect(sent).toHaveLength(1)
  await clock.turn(10)
  expect(sent[1]).toMatchObject({ atMs: 1_050, words: [{ tenant: 'c' }, { tenant: 'd' }] })
  await clock.turn(200)
  tell('e')
  await clock.turn(0)
  expect(sent[2]).toMatchObject({ atMs: 1_250, words: [{ tenant: 'e' }] })
  await relay.stop()
})

it('sends at most twenty times a second, however much there is to send', async () => {
  const { clock, relay, sent, tell } = await aRelay()
  for (let ms = 0; ms < 999; ms++) {
    tell(`t${ms}`)
    await clock.turn(1)
  }
  expect(sent.length).toBeLessThanOrEqual(20)
  await clock.turn(50)
  expect(sent.flatMap(({ words }) => words)).toHaveLength(999)
  await relay.stop()
})
