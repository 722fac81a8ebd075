/** Colours by what they mean, and when there are any. */
import { styleText } from 'node:util'

const STYLES = {
  strong: 'bold',
  quiet: 'dim',
  good: 'green',
  bad: 'red',
  doubtful: 'yellow',
  accent: 'cyan',
} as const

/** `strong` for headings and names, `quiet` for what can be skipped, `good`, `bad` and `doubtful` for states. */
export type Tone = keyof typeof STYLES

/** Text in a tone, or as it is where colours aren't wanted. */
export type Paint = (tone: Tone, text: string) => string

export function painter(hasColours: boolean): Paint {
  if (!hasColours) return (_tone, text) => text
  // An empty text in escape sequences would still have them.
  return (tone, text) => (text === '' ? '' : styleText(STYLES[tone], text, { validateStream: false }))
}

export const COLOUR_CHOICES = ['auto', 'always', 'never'] as const
export type ColourChoice = (typeof COLOUR_CHOICES)[number]

type Wish = {
  readonly choice?: ColourChoice | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  readonly isTty: boolean
}

/**
 * Whether an output gets colours: as `--color` says; without it, none with NO_COLOR (no-color.org), always with
 * FORCE_COLOR; otherwise on a terminal that can show them.
 */
export function wantsColours({ choice = 'auto', env, isTty }: Wish): boolean {
  if (choice !== 'auto') return choice === 'always'
  if (isSet(env.NO_COLOR)) return false
  if (isSet(env.FORCE_COLOR)) return env.FORCE_COLOR !== '0' && env.FORCE_COLOR !== 'false'
  return isTty && env.TERM !== 'dumb'
}

const isSet = (value: string | undefined): boolean => value !== undefined && value !== ''
