/** Whether text in a colour can be read (WCAG 2.2, success criterion 1.4.3). */

/** The least contrast of text with its background. */
export const TEXT_CONTRAST = 4.5

/** The backgrounds of the portal's pages that are hardest to read on: what the pointer is over. */
export const BACKGROUNDS = { light: '#eff0f3', dark: '#1c1f25' } as const

type Rgb = readonly [number, number, number]

/** @param colour as `#rrggbb` */
const toRgb = (colour: string): Rgb => {
  const bits = Number.parseInt(colour.slice(1), 16)
  return [bits >> 16, (bits >> 8) & 255, bits & 255]
}
const toHex = (rgb: Rgb) => `#${rgb.map(part => Math.round(part).toString(16).padStart(2, '0')).join('')}`

/** WCAG 2.2, relative luminance. */
function luminance(colour: string): number {
  const [red, green, blue] = toRgb(colour).map(part => {
    const share = part / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!
}

/** From 1 to 21. */
export function contrast(one: string, other: string): number {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a)
  return (light! + 0.05) / (dark! + 0.05)
}

/** White or black, whichever can be read better on a colour: one of them always has a contrast of 4.58. */
export function textOn(colour: string): '#ffffff' | '#000000' {
  return contrast(colour, '#ffffff') >= contrast(colour, '#000000') ? '#ffffff' : '#000000'
}

/** The colour nearest to the given one that can be read on a background. */
export function readable(colour: string, on: keyof typeof BACKGROUNDS): string {
  const end = on === 'light' ? 0 : 255
  for (let percent = 0; percent <= 100; percent++) {
    const share = percent / 100
    const [red, green, blue] = toRgb(colour)
    const mix = (part: number) => part + (end - part) * share
    const mixed = toHex([mix(red), mix(green), mix(blue)])
    if (contrast(mixed, BACKGROUNDS[on]) >= TEXT_CONTRAST) return mixed
  }
  throw new Error(`Not even ${end === 0 ? 'black' : 'white'} can be read`)
}

/** What is wrong with text in a colour on a background, and what to do. Undefined: nothing. */
export function contrastFault(colour: string, on: keyof typeof BACKGROUNDS): string | undefined {
  const found = contrast(colour, BACKGROUNDS[on])
  if (found >= TEXT_CONTRAST) return undefined
  // Rounded down: 4.49 is not 4.5.
  const shown = (Math.floor(found * 10) / 10).toFixed(1)
  const how = on === 'light' ? 'darker' : 'lighter'
  return `Text in ${colour} on the ${on} background (${BACKGROUNDS[on]}) has a contrast of ${shown}:1, and needs ${TEXT_CONTRAST}:1 (WCAG 2.2). Choose a ${how} colour, such as ${readable(colour, on)}.`
}
