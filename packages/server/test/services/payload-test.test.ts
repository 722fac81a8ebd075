import { expect, it } from 'vitest'
import { createPayloadTest } from '../../src/services/events/payload-test.ts'

/** Almost fits everywhere in a string of the same letter. */
const NEAR = 'a'.repeat(4)

it('a test of a payload that takes long stops on the way, and comes to its result when it is called again', () => {
  const value = 'a'.repeat(1_000_000)
  const filter = { b: { $contains: [`${NEAR}b`, `${NEAR}c`] } }
  const stopsOf = (payload: object, text?: string) => {
    const step = createPayloadTest({ filter, text }, [])!(Buffer.from(JSON.stringify(payload)))
    let stops = 0
    for (; ; stops++) {
      const result = step()
      if (result !== undefined) return { result, stops }
    }
  }
  expect(stopsOf({ b: value })).toEqual({ result: false, stops: expect.toSatisfy(stops => stops > 5) })
  expect(stopsOf({ b: `${value}c` })).toEqual({ result: true, stops: expect.toSatisfy(stops => stops > 5) })
  expect(stopsOf({ b: `${value}c` }, 'no such text').result).toBe(false)
  expect(stopsOf({ b: `${NEAR}c` })).toEqual({ result: true, stops: 0 })
})
