import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BACKGROUNDS, contrast, contrastFault, readable, textOn } from '../../server/src/services/portal/contrast.ts'
import { canBeRead, contrastOn, type Ground, BACKGROUNDS as OWN, readableOn } from '../src/lib/contrast.ts'

const hex = (bits: number) => `#${bits.toString(16).padStart(6, '0')}`
const colour = fc.integer({ min: 0, max: 0xffffff }).map(hex)
const ground = fc.constantFrom<Ground>('light', 'dark')

/** `color-mix(in srgb, one share, other)`. */
const mix = (one: string, share: number, other: string) =>
  `#${[1, 3, 5]
    .map(at => {
      const [a, b] = [one, other].map(each => Number.parseInt(each.slice(at, at + 2), 16))
      return Math.round(a! * share + b! * (1 - share))
        .toString(16)
        .padStart(2, '0')
    })
    .join('')}`

test('the page decides about contrast, and proposes, what the server does', () => {
  expect(OWN).toEqual(BACKGROUNDS)
  fc.assert(
    fc.property(colour, ground, (each, on) => {
      expect(contrastOn(each, on)).toBe(contrast(each, BACKGROUNDS[on]))
      expect(canBeRead(each, on)).toBe(contrastFault(each, on) === undefined)
      expect(readableOn(each, on)).toBe(readable(each, on))
    }),
  )
})

test('whatever accent the server takes, text in it and on it can be read wherever the pages use it', () => {
  const first = readFileSync(new URL('../src/early.js', import.meta.url), 'utf8')
  for (const part of ['#000 15%', '#fff 25%', '6%, #fff', '6%, #14171c']) expect(first).toContain(part)
  fc.assert(
    fc.property(colour, ground, (each, on) => {
      const accent = readable(each, on)
      const isLight = on === 'light'
      const soft = isLight ? mix(accent, 0.06, '#ffffff') : mix(accent, 0.06, '#14171c')
      const hover = isLight ? mix('#000000', 0.15, accent) : mix('#ffffff', 0.25, accent)
      const text = textOn(accent)
      expect(text).toBe(isLight ? '#ffffff' : '#000000')
      expect(contrast(accent, soft)).toBeGreaterThanOrEqual(4.5)
      expect(contrast(hover, BACKGROUNDS[on])).toBeGreaterThanOrEqual(4.5)
      expect(contrast(text, accent)).toBeGreaterThanOrEqual(4.5)
      expect(contrast(text, hover)).toBeGreaterThanOrEqual(4.5)
    }),
  )
})
