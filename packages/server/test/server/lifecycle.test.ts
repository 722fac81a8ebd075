import { describe, expect, it } from 'vitest'
import { Lifecycle, type Service } from '../../src/server/lifecycle.ts'

/** Services that record their calls. Those listed in `faulty` throw. */
function stage(faulty: readonly string[] = []) {
  const said: string[] = []
  const say = (what: string) => {
    said.push(what)
    if (faulty.includes(what)) throw new Error(what)
  }
  const service = (name: string): Service => ({
    name,
    start: async () => say(`start ${name}`),
    refuse: () => say(`refuse ${name}`),
    drain: async timeoutMs => say(`drain ${name} ${timeoutMs}`),
    stop: async () => say(`stop ${name}`),
    close: async () => say(`close ${name}`),
  })
  return { said, service, lifecycle: new Lifecycle() }
}

describe('the lifecycle', () => {
  it('starts services in order, and stops them in phases, each in reverse order', async () => {
    const { said, service, lifecycle } = stage()
    for (const name of ['store', 'engine']) await lifecycle.start(service(name))
    lifecycle.ready()
    await lifecycle.stop(30)
    expect(said).toEqual([
      'start store',
      'start engine',
      'refuse engine',
      'refuse store',
      'drain engine 30',
      'drain store 30',
      'stop engine',
      'stop store',
      'close engine',
      'close store',
    ])
  })

  it('is ready from the end of the startup until the shutdown begins', async () => {
    const { service, lifecycle } = stage()
    const states: boolean[][] = []
    const look = () => states.push([lifecycle.isReady, lifecycle.isDraining])
    await lifecycle.start(service('store'))
    look()
    lifecycle.ready()
    look()
    await lifecycle.start({ name: 'last', refuse: look, close: look })
    await lifecycle.stop(0)
    expect(states).toEqual([
      [false, false],
      [true, false],
      [false, true],
      [false, true],
    ])
  })

  it('drains all services together, and stops none until all have drained', async () => {
    const { lifecycle } = stage()
    const said: string[] = []
    const slow = Promise.withResolvers<void>()
    await lifecycle.start({ name: 'a', drain: () => slow.promise, stop: () => said.push('stop a') })
    await lifecycle.start({ name: 'b', drain: async () => said.push('drain b'), stop: () => said.push('stop b') })
    const stopped = lifecycle.stop(0)
    await new Promise(setImmediate)
    expect(said).toEqual(['drain b'])
    slow.resolve()
    await stopped
    expect(said).toEqual(['drain b', 'stop b', 'stop a'])
  })

  it('stops a service that failed to start together with those started before it', async () => {
    const { said, service, lifecycle } = stage(['start engine'])
    await lifecycle.start(service('store'))
    await expect(lifecycle.start(service('engine'))).rejects.toThrow('start engine')
    await lifecycle.stop(0)
    expect(said.filter(what => /^(stop|close)/.test(what))).toEqual([
      'stop engine',
      'stop store',
      'close engine',
      'close store',
    ])
  })

  it('stops all services even if some fail to stop, then throws the first error', async () => {
    const { said, service, lifecycle } = stage(['refuse engine', 'drain store 0', 'stop engine'])
    for (const name of ['store', 'engine']) await lifecycle.start(service(name))
    await expect(lifecycle.stop(0)).rejects.toThrow('refuse engine')
    expect(said.at(-1)).toBe('close store')
  })
})
