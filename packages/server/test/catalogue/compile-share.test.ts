import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { CompileShare } from '../../src/catalogue/compile-share.ts'
import { useBench } from '../services/setup.ts'

const bench = useBench()

describe('compiling on the main thread', () => {
  it('has a tenth of its time, and a little at once', () => {
    let nowMs = 0
    const share = new CompileShare({ ...systemClock, monotonicMs: () => nowMs })
    let compiled = 0
    const compile = () => {
      compiled++
      nowMs += 15
    }
    for (let at = 0; at < 100; at++) share.tryNow('{}', compile)
    expect(compiled).toBe(2)
    for (; nowMs < 15_000; nowMs += 5) share.tryNow('{}', compile)
    expect(compiled).toBeGreaterThan(80)
    expect(compiled).toBeLessThan(110)
  })

  it('leaves large schemas to the checking threads', () => {
    expect(new CompileShare(systemClock).tryNow(' '.repeat(8_193), () => {})).toBe(false)
  })

  it('of hundred types that one request uses for the first time does only what fits, with the same result', async () => {
    const properties = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`f${at}`, { type: 'string' }]))
    const schema = { type: 'object', required: ['f0'], properties }
    for (let at = 0; at < 100; at++) {
      const type = { name: `M${at}`, group: 'g', description: 'd', schema, example: { f0: 'a' }, schedule: null }
      await bench.store.write('putEventType', { type, nowMs: 1 })
    }
    const batch = (payload: object) => Array.from({ length: 100 }, (_, at) => ({ type: `M${at}`, payload }))
    const { events } = await bench.publish(batch({ f0: 'a' }))
    expect(events).toHaveLength(100)
    const refused = await bench.publish(batch({ f1: 1 })).catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'invalid', fields: { length: 200 } })
    const { byName } = await bench.publisher.configuration.catalogue.get()
    const ready = byName.values().filter(type => {
      try {
        return type.validate({ f0: 'a' }).length === 0
      } catch {
        return false
      }
    })
    expect([...ready].length).toBeLessThan(50)
  })
})
