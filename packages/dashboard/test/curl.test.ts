import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { curlOf, shellWord } from '../src/lib/curl.ts'
import { labelled, niceScale } from '../src/lib/scale.ts'

test('a shell reads each word as it was', () => {
  const text = fc.string({ unit: 'binary' }).filter(word => !word.includes('\0') && word.isWellFormed())
  fc.assert(
    fc.property(fc.array(text, { maxLength: 200 }), words => {
      const script = `for word in ${words.map(shellWord).join(' ')}; do printf '%s\\0' "$word"; done`
      const read = execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8' }).split('\0').slice(0, -1)
      expect(read).toEqual(words)
    }),
    // Each run starts a shell.
    { numRuns: 3 },
  )
})

test('a request as curl leaves to curl what curl sets', () => {
  const headers = [
    ['host', 'hooks.example'],
    ['Content-Length', '2'],
    ['Authorization', 'Bearer [secret]'],
  ]
  expect(curlOf({ method: 'POST', url: 'https://hooks.example/a?b=c&d', headers, body: "{'}" })).toBe(
    [
      "curl -X POST 'https://hooks.example/a?b=c&d' \\",
      "  -H 'Authorization: Bearer [secret]' \\",
      "  --data-raw '{'\\''}'",
    ].join('\n'),
  )
})

test('a scale begins at zero, reaches its greatest value, and has at most four lines above zero', () => {
  fc.assert(
    fc.property(fc.double({ min: 1e-6, max: 1e12, noNaN: true }), value => {
      const { top, lines } = niceScale(value)
      expect(top).toBeGreaterThanOrEqual(value * (1 - 1e-6))
      expect(lines[0]).toBe(0)
      expect(lines.length).toBeLessThanOrEqual(5)
      expect(lines.at(-1)).toBeCloseTo(top, 6)
    }),
  )
  expect(niceScale(0)).toEqual({ top: 1, lines: [0, 1] })
})

test('labels are far enough apart', () => {
  expect(labelled(0, 500)).toEqual([])
  expect(labelled(24, 480)).toEqual([0, 5, 10, 15, 20])
  expect(labelled(3, 0)).toEqual([0])
})
