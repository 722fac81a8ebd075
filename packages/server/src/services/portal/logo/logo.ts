/** What an uploaded logo is, by its content. */
import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import type { PortalLogo } from '../../../base/portal.ts'
import { readPicture } from './pictures.ts'
import { LogoRefused } from './refused.ts'
import { checkSvg } from './svg.ts'

export const MAX_LOGO_BYTES = 262_144
/** A small file can be a picture that takes gigabytes in the memory of anyone who looks at it. */
const MAX_PIXELS_A_SIDE = 4_096

/** The logo as it is stored and served. Throws LogoRefused. */
export function readLogo(bytes: Uint8Array): PortalLogo {
  if (bytes.length === 0) throw new LogoRefused('The body is empty. Send the bytes of the image.')
  if (bytes.length > MAX_LOGO_BYTES) throw new LogoRefused(TOO_LARGE)
  const picture = readPicture(bytes)
  if (picture === undefined) return readSvg(bytes)
  if (picture === 'broken') throw new LogoRefused('The image is damaged or cut off. Export it again.')
  const { type, width, height } = picture
  if (Math.min(width, height) === 0 || Math.max(width, height) > MAX_PIXELS_A_SIDE) {
    throw new LogoRefused(
      `The image has ${width} × ${height} pixels. Use 1 to ${MAX_PIXELS_A_SIDE} on each side; 512 are enough.`,
    )
  }
  return logoOf(type, bytes)
}

export const TOO_LARGE =
  'A logo can have at most 256 KiB (262,144 bytes). Export it smaller: 512 pixels on a side are enough.'

function readSvg(bytes: Uint8Array): PortalLogo {
  const text = decode(bytes)
  if (text === undefined || !/^\uFEFF?\s*</.test(text) || /^\uFEFF?\s*<(?:!doctype\s+)?html/i.test(text)) {
    throw new LogoRefused(
      'The file is not a PNG, JPEG, WebP or SVG image. Its content decides, not its name or type. Export the logo as one of these.',
    )
  }
  return logoOf('image/svg+xml', Buffer.from(checkSvg(text)))
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** Checked again, since an SVG can be longer as Posthorn writes it. */
function logoOf(type: PortalLogo['type'], bytes: Uint8Array): PortalLogo {
  if (bytes.length > MAX_LOGO_BYTES) throw new LogoRefused(TOO_LARGE)
  return { type, bytes, hash: createHash('sha256').update(bytes).digest('hex').slice(0, 32) }
}
