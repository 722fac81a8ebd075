import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseEvent, textsOf } from '../../src/publish/events.ts'

describe('the event of a line', () => {
  it('has its payload as it is written', () => {
    const escaped = [...'payload'].map(letter => `\\u00${letter.charCodeAt(0).toString(16)}`).join('')
    const payload = '{"z": 1.0,  "2": 12345678901234567890, "1": "a\\u0062\\"}", "z": [1e2 , {} ]}'
    for (const line of [
      `{"type":"a.b","payload":${payload}}`,
      ` { "payload" : ${payload} , "type":"a.b" } \r`,
      `{"type":"a.b","tenant":null,"${escaped}":${payload},"key":null}`,
    ]) {
      expect(parseEvent(line)).toEqual({ event: { type: 'a.b', payload, key: null, tenant: null } })
    }
    expect(parseEvent('{"type":"a","payload":1,"key":"k","tenant":"t"}')).toEqual({
      event: { type: 'a', payload: '1', key: 'k', tenant: 't' },
    })
  })

  it('is found in any JSON', () => {
    fc.assert(
      fc.property(fc.json(), fc.json(), fc.string(), fc.constantFrom('', ' ', '\t'), (payload, other, name, space) => {
        const members = [
          [JSON.stringify(name === 'payload' ? 'x' : name), other],
          ['"payload"', payload],
        ]
        for (const ordered of [members, members.toReversed()]) {
          const text = `{${ordered.map(([key, value]) => `${space}${key}${space}:${space}${value}${space}`).join(',')}}`
          expect(textsOf(text, 'payload')).toEqual([payload.trim()])
        }
      }),
    )
  })

  it.each([
    ['{"type":"a"', /^it is not JSON \(/],
    ['[1]', /^it is not an object/],
    ['null', /^it is not an object/],
    ['{"payload":1}', /^type is missing/],
    ['{"type":7,"payload":1}', /^type is missing, or not a text/],
    ['{"type":"a"}', /^payload is missing/],
    ['{"type":"a","payload":1,"payload":2}', /^payload is there more than once/],
    ['{"type":"a","payload":1,"key":7}', /^key is not a text/],
    ['{"type":"a","payload":1,"tenant":{}}', /^tenant is not a text/],
    ['{"type":"a","payload":1,"keys":"a"}', /^"keys" is unknown: an event has type, payload, key and tenant/],
    ['{"type":"a","payload":1,"__proto__":1}', /^"__proto__" is unknown/],
  ])('is missing in %s', (line, why) => {
    expect(parseEvent(line)).toEqual({ fault: expect.stringMatching(why) })
  })
})
