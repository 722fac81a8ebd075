import { crc32, deflateSync, inflateSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { shrink } from '../scripts/png.ts'

/** Pixels as 0xRRGGBB, line by line, written as a browser does: in true colour, with a filter for each line. */
function writePng(width: number, pixels: readonly number[], filters: readonly number[]): Buffer {
  const height = pixels.length / width
  const bytesOf = (y: number) =>
    pixels.slice(y * width, (y + 1) * width).flatMap(pixel => [pixel >> 16, (pixel >> 8) & 0xff, pixel & 0xff])
  const lines = Array.from({ length: height }, (_, y) => {
    const filter = filters[y % filters.length]!
    const [line, above] = [bytesOf(y), y === 0 ? [] : bytesOf(y - 1)]
    const filtered = line.map((byte, x) => {
      const [left, up] = [line[x - 3] ?? 0, above[x] ?? 0]
      return (byte - [0, left, up, (left + up) >> 1][filter]!) & 0xff
    })
    return [filter, ...filtered]
  })
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 2, 0, 0, 0], 8)
  const chunks = [chunk('IHDR', header), chunk('IDAT', deflateSync(Buffer.from(lines.flat()))), chunk('IEND')]
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), ...chunks])
}

function chunk(name: string, data = Buffer.alloc(0)): Buffer {
  const [length, body, check] = [Buffer.alloc(4), Buffer.concat([Buffer.from(name), data]), Buffer.alloc(4)]
  length.writeUInt32BE(data.length)
  check.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, check])
}

function readPixels(png: Buffer, width: number): number[] {
  const chunks = new Map<string, Buffer>()
  for (let at = 8; at < png.length; at += png.readUInt32BE(at) + 12) {
    const length = png.readUInt32BE(at)
    const body = png.subarray(at + 4, at + 8 + length)
    expect(png.readUInt32BE(at + 8 + length)).toBe(crc32(body))
    chunks.set(body.toString('latin1', 0, 4), body.subarray(4))
  }
  const palette = chunks.get('PLTE')!
  const lines = inflateSync(chunks.get('IDAT')!)
  const indexes = [...lines].filter((_, at) => at % (width + 1) !== 0)
  return indexes.map(index => palette.readUIntBE(index * 3, 3))
}

test('a picture with up to 256 colours stays as it is, whatever its filters', () => {
  const pictures = fc.tuple(
    fc.integer({ min: 1, max: 9 }),
    fc.array(fc.integer({ min: 0, max: 0xffffff }), { minLength: 9, maxLength: 90 }),
    fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 4 }),
  )
  fc.assert(
    fc.property(pictures, ([width, colours, filters]) => {
      const pixels = colours.slice(0, Math.floor(colours.length / width) * width)
      expect(readPixels(shrink(writePng(width, pixels, filters)), width)).toEqual(pixels)
    }),
    { numRuns: 50 },
  )
})

test('a picture with more colours keeps the frequent ones, and the others hardly change', () => {
  const shades = Array.from({ length: 1_024 }, (_, index) => (index >> 2) * 0x010101 + (index & 3))
  const pixels = [...shades, ...Array.from({ length: 1_024 }, () => 0x3366cc)]
  const shown = readPixels(shrink(writePng(64, pixels, [1])), 64)
  expect(shown.slice(1_024)).toEqual(pixels.slice(1_024))
  for (const [index, pixel] of shown.entries()) {
    for (const shift of [16, 8, 0]) {
      expect(Math.abs(((pixel >> shift) & 0xff) - ((pixels[index]! >> shift) & 0xff))).toBeLessThanOrEqual(8)
    }
  }
})
