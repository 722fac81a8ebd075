/** Reads the heads of PNG, JPEG and WebP files. */
import { Buffer } from 'node:buffer'

export type Picture = {
  readonly type: 'image/png' | 'image/jpeg' | 'image/webp'
  readonly width: number
  readonly height: number
}

/** Undefined if it begins like none of the three; `broken` if it does, but isn't one or is cut off. */
export function readPicture(bytes: Uint8Array): Picture | 'broken' | undefined {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  try {
    if (file.subarray(0, 8).equals(PNG)) return readPng(file) ?? 'broken'
    if (file.length >= 3 && file.readUIntBE(0, 3) === 0xffd8ff) return readJpeg(file) ?? 'broken'
    if (textAt(file, 0) === 'RIFF' && textAt(file, 8) === 'WEBP') return readWebp(file) ?? 'broken'
    return undefined
  } catch (error) {
    // Read beyond the end.
    if (error instanceof RangeError) return 'broken'
    throw error
  }
}

const PNG = Buffer.from('89504e470d0a1a0a', 'hex')
const textAt = (file: Buffer, at: number) => file.toString('latin1', at, at + 4)

/** PNG §5.3: chunks from IHDR to IEND, and nothing after it. */
function readPng(file: Buffer): Picture | undefined {
  if (textAt(file, 12) !== 'IHDR') return undefined
  const [width, height] = [file.readUInt32BE(16), file.readUInt32BE(20)]
  for (let at = 8; at + 12 <= file.length; ) {
    const type = textAt(file, at + 4)
    at += 12 + file.readUInt32BE(at)
    if (type === 'IEND') return at === file.length ? { type: 'image/png', width, height } : undefined
  }
  return undefined
}

/** ITU-T T.81 annex B: segments until the frame's, which has the size. */
function readJpeg(file: Buffer): Picture | undefined {
  for (let at = 2; ; ) {
    if (file.readUInt8(at) !== 0xff) return undefined
    const marker = file.readUInt8(at + 1)
    if (marker === 0xff) at += 1
    else if (isFrame(marker)) {
      const [height, width] = [file.readUInt16BE(at + 5), file.readUInt16BE(at + 7)]
      return { type: 'image/jpeg', width, height }
    } else if (marker === 0xda || marker === 0xd9) return undefined
    else at += 2 + Math.max(file.readUInt16BE(at + 2), 2)
  }
}

/** SOF0 to SOF15, without DHT, JPG and DAC. */
const isFrame = (marker: number) => marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)

/** RFC 9649 §2.3 to §2.7. */
function readWebp(file: Buffer): Picture | undefined {
  if (file.readUInt32LE(4) + 8 !== file.length) return undefined
  const type = 'image/webp'
  switch (textAt(file, 12)) {
    case 'VP8 ':
      return { type, width: file.readUInt16LE(26) & 0x3fff, height: file.readUInt16LE(28) & 0x3fff }
    case 'VP8L': {
      const bits = file.readUInt32LE(21)
      return { type, width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 }
    }
    case 'VP8X':
      return { type, width: file.readUIntLE(24, 3) + 1, height: file.readUIntLE(27, 3) + 1 }
    default:
      return undefined
  }
}
