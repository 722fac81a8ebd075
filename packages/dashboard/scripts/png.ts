/**
 * Makes a browser's screenshots small enough to be committed: a palette of 256 colours, packed as well as zlib can
 * (PNG, third edition: https://www.w3.org/TR/png-3/). A page has few colours, and text in shades of them.
 */
import { crc32, deflateSync, inflateSync } from 'node:zlib'

type Image = { readonly width: number; readonly height: number; readonly rgb: Uint8Array }

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
const MAX_COLOURS = 256
/** The most frequent colours stay exactly as they are: areas, lines, most of the text. */
const EXACT_COLOURS = 160
const TRUE_COLOUR = 2
const TRUE_COLOUR_ALPHA = 6
const PALETTE = 3

/** @param png as Chromium writes it: eight bits a channel, not interlaced, opaque */
export function shrink(png: Buffer): Buffer {
  const image = decode(png)
  const palette = choosePalette(image.rgb)
  return encode(image, palette)
}

function decode(png: Buffer): Image {
  if (!png.subarray(0, SIGNATURE.length).equals(SIGNATURE)) throw new Error('This is not a PNG.')
  let [width, height, channels] = [0, 0, 0]
  const packed: Buffer[] = []
  for (let at = SIGNATURE.length; at < png.length; ) {
    const length = png.readUInt32BE(at)
    const name = png.toString('latin1', at + 4, at + 8)
    const data = png.subarray(at + 8, at + 8 + length)
    if (name === 'IHDR') {
      width = data.readUInt32BE(0)
      height = data.readUInt32BE(4)
      const [depth, colour, , , interlaced] = data.subarray(8)
      if (depth !== 8 || interlaced !== 0 || (colour !== TRUE_COLOUR && colour !== TRUE_COLOUR_ALPHA)) {
        throw new Error('Only PNGs with 8-bit channels in true colour, not interlaced, can be read.')
      }
      channels = colour === TRUE_COLOUR ? 3 : 4
    } else if (name === 'IDAT') packed.push(data)
    at += length + 12
  }
  return { width, height, rgb: unfilter(inflateSync(Buffer.concat(packed)), width, height, channels) }
}

/** Reverses the filters of §9 and drops the alpha channel. */
function unfilter(bytes: Buffer, width: number, height: number, channels: number): Uint8Array {
  const stride = width * channels
  const rgb = new Uint8Array(width * height * 3)
  let above = new Uint8Array(stride)
  for (let y = 0; y < height; y++) {
    const filter = bytes[y * (stride + 1)]!
    const line = new Uint8Array(bytes.subarray(y * (stride + 1) + 1, (y + 1) * (stride + 1)))
    for (let x = 0; x < stride; x++) {
      const left = x < channels ? 0 : line[x - channels]!
      const up = above[x]!
      const corner = x < channels ? 0 : above[x - channels]!
      line[x] = (line[x]! + predicted(filter, left, up, corner)) & 0xff
    }
    for (let x = 0; x < width; x++) rgb.set(line.subarray(x * channels, x * channels + 3), (y * width + x) * 3)
    above = line
  }
  return rgb
}

function predicted(filter: number, left: number, up: number, corner: number): number {
  if (filter === 0) return 0
  if (filter === 1) return left
  if (filter === 2) return up
  if (filter === 3) return (left + up) >> 1
  const estimate = left + up - corner
  const [toLeft, toUp, toCorner] = [Math.abs(estimate - left), Math.abs(estimate - up), Math.abs(estimate - corner)]
  if (toLeft <= toUp && toLeft <= toCorner) return left
  return toUp <= toCorner ? up : corner
}

/** Colours as 0xRRGGBB: the most frequent ones, and means of the others (median cut). */
function choosePalette(rgb: Uint8Array): number[] {
  const counts = new Map<number, number>()
  for (let at = 0; at < rgb.length; at += 3) {
    const colour = (rgb[at]! << 16) | (rgb[at + 1]! << 8) | rgb[at + 2]!
    counts.set(colour, (counts.get(colour) ?? 0) + 1)
  }
  const colours = [...counts].toSorted((a, b) => b[1] - a[1]).map(([colour]) => colour)
  if (colours.length <= MAX_COLOURS) return colours
  let boxes = [colours.slice(EXACT_COLOURS)]
  while (boxes.length < MAX_COLOURS - EXACT_COLOURS) {
    const widest = boxes.reduce((a, b) => (spreadOf(b).size > spreadOf(a).size ? b : a))
    if (widest.length < 2) break
    boxes = [...boxes.filter(box => box !== widest), ...halvesOf(widest)]
  }
  return [...colours.slice(0, EXACT_COLOURS), ...boxes.map(meanOf)]
}

const channelOf = (colour: number, shift: number) => (colour >> shift) & 0xff

function spreadOf(box: readonly number[]): { readonly size: number; readonly shift: number } {
  const spreads = [16, 8, 0].map(shift => {
    let [low, high] = [255, 0]
    for (const colour of box) {
      low = Math.min(low, channelOf(colour, shift))
      high = Math.max(high, channelOf(colour, shift))
    }
    return { size: high - low, shift }
  })
  return spreads.reduce((a, b) => (b.size > a.size ? b : a))
}

function halvesOf(box: readonly number[]): number[][] {
  const { shift } = spreadOf(box)
  const sorted = box.toSorted((a, b) => channelOf(a, shift) - channelOf(b, shift))
  const middle = sorted.length >> 1
  return [sorted.slice(0, middle), sorted.slice(middle)]
}

function meanOf(box: readonly number[]): number {
  const mean = (shift: number) => Math.round(box.reduce((sum, each) => sum + channelOf(each, shift), 0) / box.length)
  return (mean(16) << 16) | (mean(8) << 8) | mean(0)
}

function encode({ width, height, rgb }: Image, palette: readonly number[]): Buffer {
  const indexes = new Map<number, number>(palette.map((colour, index) => [colour, index]))
  const lines = Buffer.alloc((width + 1) * height) // each begins with the filter 0: none, the best for palettes
  for (let pixel = 0; pixel < width * height; pixel++) {
    const at = pixel * 3
    const colour = (rgb[at]! << 16) | (rgb[at + 1]! << 8) | rgb[at + 2]!
    let index = indexes.get(colour)
    if (index === undefined) {
      index = nearest(palette, colour)
      indexes.set(colour, index)
    }
    lines[Math.floor(pixel / width) * (width + 1) + (pixel % width) + 1] = index
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, PALETTE, 0, 0, 0], 8)
  const colours = Buffer.from(palette.flatMap(colour => [16, 8, 0].map(shift => channelOf(colour, shift))))
  const data = deflateSync(lines, { level: 9, memLevel: 9 })
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('PLTE', colours),
    chunk('IDAT', data),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

function nearest(palette: readonly number[], colour: number): number {
  let [best, distance] = [0, Number.POSITIVE_INFINITY]
  for (const [index, each] of palette.entries()) {
    let sum = 0
    for (const shift of [16, 8, 0]) sum += (channelOf(each, shift) - channelOf(colour, shift)) ** 2
    if (sum < distance) [best, distance] = [index, sum]
  }
  return best
}

function chunk(name: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(name, 'latin1'), data])
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(data.length)
  check.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, check])
}
