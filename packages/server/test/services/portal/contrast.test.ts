import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BACKGROUNDS, contrast, contrastFault, readable, textOn } from '../../../src/services/portal/contrast.ts'

const colour = fc.integer({ min: 0, max: 0xffffff }).map(bits => `#${bits.toString(16).padStart(6, '0')}`)
const background = fc.constantFrom(...(Object.keys(BACKGROUNDS) as ('light' | 'dark')[]))

describe('contrast', () => {
  it('is what WCAG 2.2 defines', () => {
    expect(contrast('#000000', '#ffffff')).toBeCloseTo(21, 5)
    expect(contrast('#777777', '#ffffff')).toBeCloseTo(4.478, 3)
    expect(contrast('#ffffff', '#767676')).toBeCloseTo(4.542, 3)
    expect(contrast('#123456', '#123456')).toBe(1)
  })

  it('of text on any colour is at least 4.5', () => {
    fc.assert(fc.property(colour, each => contrast(each, textOn(each)) >= 4.5))
  })

  it('of the colour that a refusal proposes is enough, on any background', () => {
    fc.assert(
      fc.property(colour, background, (each, on) => {
        expect(contrast(readable(each, on), BACKGROUNDS[on])).toBeGreaterThanOrEqual(4.5)
        const fault = contrastFault(each, on)
        if (fault === undefined) expect(readable(each, on)).toBe(each)
        else expect(fault).toContain(readable(each, on))
      }),
    )
  })
})
