import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parseEvents, readEvents } from '../src/events.ts'
import { Moves } from '../src/moves.ts'
import { formatAttempt, tableHead } from '../src/table.ts'

const FILE = new URL('../src/events.ndjson', import.meta.url)

test('the events cover every starter type, and their payloads are sent exactly as in the file', () => {
  const events = readEvents(FILE)
  expect(new Set(events.types).size).toBe(5)
  expect(JSON.parse(events.body)).toHaveLength(events.types.length)
  expect(events.body).not.toContain('"tenant"')
  const payloads = readFileSync(FILE, 'utf8').match(/"payload":.*(?=,"key")/g)!
  expect(payloads.every(payload => events.body.includes(payload))).toBe(true)
  expect(events.body).toContain('12345678901234567890')
})

test('an error names the line that does not begin with its tenant', () => {
  expect(() => parseEvents('{"tenant":"a","type":"T"}\n{"type":"T"}')).toThrow('Line 2')
})

test('endpoints that move from node to node are reported once, with their number', () => {
  const moves = new Moves()
  for (const endpoint of ['a', 'b', 'c']) moves.note(endpoint, 'third')
  expect([moves.countOf('third'), moves.take()]).toEqual([3, []])
  for (const endpoint of ['a', 'b', 'a']) moves.note(endpoint, 'first')
  moves.note('c', 'second')
  expect(moves.take()).toEqual([
    'The first node has taken over from the third node for 2 endpoints.',
    'The second node has taken over from the third node for 1 endpoint.',
  ])
  expect([moves.countOf('third'), moves.take()]).toEqual([0, []])
})

test.each([20, 40, 72, 80, 200])('the table of attempts fits a terminal of %i columns', columns => {
  const type = 'INVOICE_PAYMENT_REFUNDED'
  const line = { atMs: 1_234, type, receiver: 'gamma', attempt: 2, status: 503, errorCode: null, durationMs: 12.3 }
  const text = formatAttempt(line, false, columns)
  expect(Math.max(text.length, tableHead(columns).length)).toBeLessThanOrEqual(columns)
  expect(text).toContain('503')
  expect(text.includes(type)).toBe(columns > 60)
})
