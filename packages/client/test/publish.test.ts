import { describe, expect, it } from 'vitest'
import { publish } from '../src/index.ts'

/** A fake transaction that responds like the database and records its queries. */
function aTransaction() {
  const asked: { text: string; values: (string | null)[] }[] = []
  return {
    asked,
    async query(text: string, values: (string | null)[]) {
      asked.push({ text, values })
      return { rows: [{ id: 'evt_1' }] }
    },
  }
}

const event = { tenant: 'acme', type: 'COVER_REFERENCE' }

describe('publish', () => {
  it('calls the SQL function on the connection it is given and returns the id', async () => {
    const tx = aTransaction()
    expect(await publish(tx, { ...event, payload: { a: 1 }, key: 'k' })).toEqual({ id: 'evt_1' })
    expect(tx.asked).toEqual([
      { text: expect.stringContaining('posthorn.publish('), values: ['acme', 'COVER_REFERENCE', '{"a":1}', 'k'] },
    ])
  })

  it('sends a string unchanged and a missing key as null', async () => {
    const tx = aTransaction()
    await publish(tx, { ...event, payload: ' {"n": 1.0}' })
    expect(tx.asked[0]!.values.slice(2)).toEqual([' {"n": 1.0}', null])
  })

  it.each([[undefined], [() => 1], ['"\ud83d"'], ['\ufeff{}']])(
    'refuses a payload that is not JSON: %s',
    async payload => {
      const tx = aTransaction()
      await expect(publish(tx, { ...event, payload })).rejects.toBeInstanceOf(TypeError)
      expect(tx.asked).toEqual([])
    },
  )

  it('escapes an unpaired surrogate when it serialises a value', async () => {
    const tx = aTransaction()
    await publish(tx, { ...event, payload: { a: '\ud83d' } })
    expect(tx.asked[0]!.values[2]).toBe('{"a":"\\ud83d"}')
  })

  it('rethrows errors of the database', async () => {
    const failing = { query: () => Promise.reject(new Error('23505')) }
    await expect(publish(failing, { ...event, payload: {} })).rejects.toThrow('23505')
  })
})
