import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeRequest } from '../../../src/engine/http/request.ts'

const text = (path: string, headers: readonly string[], body: Uint8Array) =>
  Buffer.concat(encodeRequest('a.example', { method: 'POST', path, headers, body })).toString('latin1')

describe('a request', () => {
  it('has the host first, the headers as given, and the length of the body last', () => {
    expect(text('/a?b', ['X-One', '1', 'x-two', 'ä ö'], Buffer.from('{}'))).toBe(
      'POST /a?b HTTP/1.1\r\nhost: a.example\r\nconnection: keep-alive\r\nX-One: 1\r\nx-two: ä ö\r\ncontent-length: 2\r\n\r\n{}',
    )
  })

  it('carries the bytes of its body, however long it is', () => {
    for (const length of [0, 1, 65_536, 65_537, 1_000_000]) {
      const body = new Uint8Array(length).map((_, at) => at % 251)
      const sent = Buffer.concat(encodeRequest('a.example', { method: 'POST', path: '/', headers: [], body }))
      expect(sent.subarray(sent.length - length).equals(body)).toBe(true)
    }
  })

  it('is refused if its parts would change where it ends', () => {
    const anything = fc.string({ unit: 'binary-ascii', maxLength: 8 })
    const lines = (sent: string) => sent.slice(0, sent.indexOf('\r\n\r\n')).split(/[\r\n]+/).length
    fc.assert(
      fc.property(anything, anything, anything, (path, name, value) => {
        let sent: string
        try {
          sent = text(`/${path}`, [name, value], Buffer.from('{}'))
        } catch (error) {
          expect(error).toBeInstanceOf(TypeError)
          return
        }
        expect(lines(sent)).toBe(5)
        expect(sent.split('\r\n')[0]!.split(' ')).toHaveLength(3)
      }),
      { numRuns: 2_000 },
    )
    for (const bad of ['a\r\nb', 'a\nb', 'a\0b', 'a\x7fb', '€']) {
      expect(() => text('/', ['x', bad], Buffer.alloc(0))).toThrow(TypeError)
    }
  })
})
