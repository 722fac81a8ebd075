/** Whether text in a colour can be read, as the server decides it (WCAG 2.2, success criterion 1.4.3). */

export const TEXT_CONTRAST = 4.5

/** `--hover`, the background that is hardest to read on. */
export const BACKGROUNDS = { light: '#eff0f3', dark: '#1c1f25' } as const

export type Ground = keyof typeof BACKGROUNDS

export const isColour = (text: string): boolean => /^#[0-9a-f]{6}$/i.test(text)

const partsOf = (colour: string): readonly number[] =>
  [1, 3, 5].map(at => Number.parseInt(colour.slice(at, at + 2), 16))

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = partsOf(colour).map(part => {
    const share = part / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

/** From 1 to 21. Colours are `#rrggbb`. */
export function contrastOn(colour: string, ground: Ground): number {
  const [one, other] = [luminance(colour), luminance(BACKGROUNDS[ground])]
  return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05)
}

export const canBeRead = (colour: string, ground: Ground): boolean => contrastOn(colour, ground) >= TEXT_CONTRAST

/** The colour nearest to the given one that can be read. */
export function readableOn(colour: string, ground: Ground): string {
  const end = ground === 'light' ? 0 : 255
  for (let percent = 0; percent < 100; percent++) {
    const mixed = partsOf(colour).map(part => Math.round(part + ((end - part) * percent) / 100))
    const found = `#${mixed.map(part => part.toString(16).padStart(2, '0')).join('')}`
    if (canBeRead(found, ground)) return found
  }
  return ground === 'light' ? '#000000' : '#ffffff'
}
