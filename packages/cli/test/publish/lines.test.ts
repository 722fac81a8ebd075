import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Line, readLines } from '../../src/publish/lines.ts'

/** The input in pieces of a size. */
async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function linesOf(input: string | Uint8Array, size = 7, first?: Parameters<typeof readLines>[1], max?: number) {
  const lines: Line[] = []
  for await (const line of readLines(pieces(Buffer.from(input), size), first, max)) lines.push(line)
  return lines
}

describe('lines of an input', () => {
  it('have their numbers and places, however the input arrives', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: 'grapheme', maxLength: 12 }).map(text => text.replaceAll('\n', ''))),
        fc.integer({ min: 1, max: 40 }),
        fc.boolean(),
        async (texts, size, endsWithBreak) => {
          const input = texts.join('\n') + (endsWithBreak && texts.length > 0 ? '\n' : '')
          const expected = input === '' ? [] : input.replace(/\n$/, '').split('\n')
          const lines = await linesOf(input, size)
          expect(lines.map(({ text }) => text)).toEqual(expected.map(text => text.replace(/^\ufeff/, '')))
          expect(lines.map(({ number }) => number)).toEqual(expected.map((_, at) => at + 1))
          const bytes = Buffer.from(input)
          for (const [at, line] of lines.entries()) {
            expect(line.end).toBe(lines[at + 1]?.start ?? bytes.length)
            // Reading on from any line gives the same lines.
            if (at !== lines.length - 1) continue
            expect(await linesOf(bytes.subarray(line.start), size, line)).toEqual([line])
          }
        },
      ),
    )
  })

  it('that are too long are no text, and nothing of them is kept', async () => {
    const lines = await linesOf(`short\n${'x'.repeat(2_000_001)}\nafter`, 65_536, undefined, 1_000_000)
    expect(lines.map(({ text }) => text)).toEqual(['short', null, 'after'])
    expect(lines[1]).toMatchObject({
      number: 2,
      start: 6,
      end: 2_000_008,
      fault: expect.stringMatching(/^it is longer than /),
    })
  })

  it('that are not UTF-8 are no text', async () => {
    const [first, second, third] = await linesOf(
      Buffer.concat([Buffer.from('\ufeff{}\n'), Buffer.from([0xff, 0x0a]), Buffer.from('1')]),
    )
    expect([first!.text, second!.text, third!.text]).toEqual(['{}', null, '1'])
    expect(second!.fault).toBe('it is not UTF-8')
    const [marked] = await linesOf(Buffer.from('\ufeff{"a":1}\n', 'utf16le'))
    expect(marked!.fault).toBe('the input is UTF-16: convert it to UTF-8')
  })
})
