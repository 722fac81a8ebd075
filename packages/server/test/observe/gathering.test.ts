import { Counter, Gauge, Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { type Channel, Gathering, Sibling } from '../../src/observe/gathering.ts'
import { addUp, writeMetrics } from '../../src/observe/metrics.ts'
import { HandClock } from '../hand-clock.ts'
import { parseMetrics } from './scrape.ts'

/** Both ends of a channel. Messages arrive in a later turn of the event loop. */
function pair(): { parent: Channel; child: Channel; cut: () => void } {
  let isCut = false
  const reacts: Record<'up' | 'down', ((message: unknown) => void)[]> = { up: [], down: [] }
  const end = (out: 'up' | 'down', into: 'up' | 'down'): Channel => ({
    send(message) {
      const copy = structuredClone(message)
      if (!isCut) setImmediate(() => reacts[out].forEach(react => void react(copy)))
      return !isCut
    },
    onMessage: react => void reacts[into].push(react),
  })
  const cut = () => {
    isCut = true
  }
  return { parent: end('down', 'up'), child: end('up', 'down'), cut }
}

function startProcess(gathering: Gathering, clock: HandClock) {
  const { parent, child, cut } = pair()
  const registry = new Registry()
  const counter = new Counter({ name: 'events_total', help: 'e', registers: [registry] })
  const gauge = new Gauge({ name: 'lanes', help: 'l', registers: [registry] })
  let isAsleep = false
  gathering.add(parent)
  const snapshot = () => (isAsleep ? new Promise<never>(() => {}) : registry.getMetricsAsJSON())
  const sibling = new Sibling(child, clock, snapshot)
  const sums = async () => {
    const values = parseMetrics(await writeMetrics(await addUp(await sibling.gather()).getMetricsAsJSON()))
    return [values.get('events_total'), values.get('lanes')]
  }
  const fallAsleep = () => {
    isAsleep = true
  }
  const endProcess = () => {
    cut()
    gathering.remove(parent)
  }
  return { counter, gauge, sums, cut, fallAsleep, end: endProcess }
}

const turn = () => new Promise<void>(resolve => void setImmediate(resolve))

describe('metrics of several processes', () => {
  it('are added up by whichever process is asked; one that has ended stays in the counters', async () => {
    const clock = new HandClock()
    const gathering = new Gathering(clock)
    const [a, b, c] = [1, 2, 3].map(() => startProcess(gathering, clock)) as [Process, Process, Process]
    for (const [at, process] of [a, b, c].entries()) {
      process.counter.inc(10 ** at)
      process.gauge.set(2)
    }
    await turn()
    expect(await a.sums()).toEqual([111, 6])
    expect(await b.sums()).toEqual([111, 6])
    c.end()
    expect(await a.sums()).toEqual([111, 4])
    b.counter.inc(5)
    b.end()
    expect(await a.sums()).toEqual([111, 2])
    const d = startProcess(gathering, clock)
    d.counter.inc(1_000)
    await turn()
    expect(await a.sums()).toEqual([1_111, 2])
    expect(clock.waits).toEqual([])
  })

  it('include the last report of a process that does not respond, and only its own without a parent', async () => {
    const clock = new HandClock()
    const gathering = new Gathering(clock)
    const [a, b] = [startProcess(gathering, clock), startProcess(gathering, clock)]
    b.counter.inc(7)
    await turn()
    expect(await a.sums()).toEqual([7, 0])
    a.counter.inc(1)
    b.counter.inc(1)
    b.fallAsleep()
    const asked = a.sums()
    while (clock.waits.length < 2) await turn()
    await turn()
    await turn()
    clock.turn(2_000)
    expect(await asked).toEqual([8, 0])
    a.cut()
    expect(await a.sums()).toEqual([1, 0])
  })
})

type Process = ReturnType<typeof startProcess>
