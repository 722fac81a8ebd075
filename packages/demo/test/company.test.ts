import { expect, test } from 'vitest'
import { compileSchema } from '../../server/src/catalogue/schema.ts'
import { starterCatalogue } from '../../server/src/catalogue/starter-catalogue.ts'
import { behaviours } from '../src/company/behaviours.ts'
import { customers } from '../src/company/customers.ts'
import { makeEvent } from '../src/company/payloads.ts'
import { createRandom, pickByWeight, uuid } from '../src/company/random.ts'
import { tokenThatExpiresIn } from '../src/company/secrets.ts'

const EVENTS = 500

test('the events have every starter type, satisfy its schema, and have a key each', () => {
  const random = createRandom(1)
  const events = Array.from({ length: EVENTS }, () => makeEvent(random))
  expect(new Set(events.map(({ type }) => type))).toEqual(new Set(starterCatalogue.map(({ name }) => name)))
  for (const { name, schema } of starterCatalogue) {
    const compiled = compileSchema(schema)
    if (!compiled.ok) throw new Error(compiled.detail)
    for (const { type, payload } of events) if (type === name) expect(compiled.validate(payload)).toEqual([])
  }
  expect(new Set(events.map(({ key }) => key)).size).toBe(EVENTS)
})

test('every behaviour is that of some endpoint, so that the dashboard shows each', () => {
  const used = customers().flatMap(({ endpoints }) => endpoints.map(({ behaviour }) => behaviour))
  const known = Object.keys(behaviours(Math.random, () => 0))
  expect(new Set(used)).toEqual(new Set(known))
})

test('customers and the endpoints of each have ids of their own', () => {
  const ids = customers().map(({ id }) => id)
  expect(new Set(ids).size).toBe(ids.length)
  for (const { endpoints } of customers()) {
    expect(new Set(endpoints.map(({ path }) => path)).size).toBe(endpoints.length)
  }
})

test('a token says when it expires', () => {
  const [, claims] = tokenThatExpiresIn(12, 'hanseatic').split('.')
  const { exp, iat } = JSON.parse(Buffer.from(claims!, 'base64url').toString()) as { exp: number; iat: number }
  expect(exp - iat).toBe((190 + 12) * 86_400)
})

test('equal seeds give equal numbers, and weights of 0 are never picked', () => {
  const [one, other] = [createRandom(7), createRandom(7)]
  expect(uuid(one)).toBe(uuid(other))
  expect(uuid(one)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  const items = [
    { weight: 0, name: 'never' },
    { weight: 3, name: 'often' },
    { weight: 1, name: 'sometimes' },
  ]
  const picked = Array.from({ length: 400 }, () => pickByWeight(one, items).name)
  const often = picked.filter(name => name === 'often').length
  expect(picked).not.toContain('never')
  expect(often).toBeGreaterThan(250)
  expect(often).toBeLessThan(350)
})
