import { Buffer } from 'node:buffer'
import { expect, it } from 'vitest'
import { type Json, useApi } from './setup.ts'

const bench = useApi()

it('a page of large event types ends at two megabytes, and its cursors go on to every type once, in both directions', async () => {
  for (let n = 10; n < 60; n++) {
    const example = { text: 'ä'.repeat(30_000) }
    const definition = { group: 'g', description: 'd', schema: { type: 'object', required: ['text'] }, example }
    expect(await bench.put(`/v1/event-types/LARGE_${n}`, definition)).toMatchObject({ status: 201 })
  }
  const pagesIn = async (direction: 'nextCursor' | 'prevCursor', begin: string) => {
    const pages: string[][] = []
    for (let asked: string | null = begin; asked !== null; ) {
      const { status, body } = await bench.get(`/v1/event-types?limit=1000${asked}`)
      expect(status).toBe(200)
      expect(Buffer.byteLength(JSON.stringify(body))).toBeLessThan(2 * 1024 * 1024 + 1_000)
      pages.push(body.data.map(({ name }: Json) => name))
      asked = body[direction] === null ? null : `&cursor=${body[direction]}`
    }
    return pages
  }
  const onward = await pagesIn('nextCursor', '')
  expect(onward).toHaveLength(2)
  const all = onward.flat()
  expect(all.filter(name => name.startsWith('LARGE_'))).toHaveLength(50)
  expect(all).toEqual([...new Set(all)])
  const back = await pagesIn('prevCursor', `&cursor=${Buffer.from('back ').toString('base64url')}`)
  expect(back.toReversed().flat()).toEqual(all)
}, 60_000)
