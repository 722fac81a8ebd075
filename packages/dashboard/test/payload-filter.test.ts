import fc from 'fast-check'
import { expect, test } from 'vitest'
import { conditionOf, filterFor, readable } from '../src/lib/payload-filter.ts'

test.each([
  [{ path: 'status', value: 'Quoted' }, '{"status":["Quoted"]}'],
  [{ path: 'cover.items[0].sku', value: 'A' }, '{"cover":{"items":{"sku":["A"]}}}'],
  [{ path: 'amount', value: '7' }, '{"amount":["7",7]}'],
  [{ path: 'amount', value: '12345678901234567890' }, '{"amount":["12345678901234567890"]}'],
  [{ path: 'ok', value: 'true, null' }, '{"ok":["true",true,"null",null]}'],
  [{ path: '$ref', value: 'x' }, '{"$$ref":["x"]}'],
])('%j is the filter %s', (condition, filter) => {
  expect(filterFor(condition)).toBe(filter)
})

test('a condition comes back from its filter', () => {
  const part = fc.stringMatching(/^[a-z$][a-z0-9]{0,5}$/)
  const condition = fc.record({
    path: fc.array(part, { minLength: 1, maxLength: 3 }).map(parts => parts.join('.')),
    value: fc.stringMatching(/^[a-z0-9]{1,6}(?:, [A-Z]{1,3})?$/),
  })
  fc.assert(
    fc.property(condition, one => {
      fc.pre(!one.path.split('.').includes('anyOf'))
      expect(conditionOf(filterFor(one))).toEqual(one)
    }),
  )
})

test.each(['{"a":{"$gte":1}}', '{"a":["x"],"b":["y"]}', '{"a.b":["x"]}', '{"a":[7]}', '[]', 'x'])(
  '%s is kept as it is written',
  filter => {
    expect(conditionOf(filter)).toBeNull()
    expect(readable(filter)).toBe(filter)
  },
)
