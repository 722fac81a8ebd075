import type { FieldError } from '../../base/errors.ts'
import { DEFAULT_LOOKS, PORTAL_PAGES, type PortalLooks } from '../../base/portal.ts'
import { invalid } from '../checks/refusals.ts'
import { checkStorable } from '../checks/values.ts'
import { contrastFault, readable } from './contrast.ts'
import { checkReturnUrl } from './return-url.ts'

const MAX_NAME_CHARACTERS = 64
const MAX_RADIUS = 24
const MAX_HELP_LINKS = 8

export type PortalLooksInput = Partial<PortalLooks>

/** The looks that a call sets; members left out have their defaults. Throws `invalid` with all faults. */
export function readLooks(input: PortalLooksInput, dev: boolean): PortalLooks {
  const looks: PortalLooks = {
    ...DEFAULT_LOOKS,
    ...input,
    accent: input.accent?.toLowerCase() ?? null,
    accentDark: input.accentDark?.toLowerCase() ?? null,
    hiddenPages: PORTAL_PAGES.filter(page => input.hiddenPages?.includes(page)),
  }
  const faults: FieldError[] = []
  if (looks.name !== null) checkText(looks.name, '/name', faults)
  checkAccents(looks, faults)
  if (!Number.isInteger(looks.radius) || looks.radius < 0 || looks.radius > MAX_RADIUS) {
    faults.push({ field: '/radius', detail: `The value must be a whole number from 0 to ${MAX_RADIUS}.` })
  }
  if (looks.hiddenPages.length === PORTAL_PAGES.length) {
    faults.push({ field: '/hiddenPages', detail: 'The portal needs a page. Leave one out of this list.' })
  }
  if (looks.help.length > MAX_HELP_LINKS) {
    faults.push({ field: '/help', detail: `The list can have at most ${MAX_HELP_LINKS} links.` })
  }
  for (const [index, { label, url }] of looks.help.slice(0, MAX_HELP_LINKS).entries()) {
    checkText(label, `/help/${index}/label`, faults)
    checkReturnUrl(url, dev, faults, `/help/${index}/url`)
  }
  if (faults.length > 0) throw invalid(faults)
  return looks
}

function checkText(text: string, field: string, faults: FieldError[]): void {
  if (text.trim() === '' || text.length > MAX_NAME_CHARACTERS) {
    faults.push({ field, detail: `The text must have 1 to ${MAX_NAME_CHARACTERS} characters.` })
  } else checkStorable(text, field, faults)
}

function checkAccents({ accent, accentDark }: PortalLooks, faults: FieldError[]): void {
  const before = faults.length
  if (accent !== null) checkColour(accent, '/accent', faults)
  if (accentDark !== null) checkColour(accentDark, '/accentDark', faults)
  if (faults.length > before) return
  if (accent === null) {
    if (accentDark === null) return
    faults.push({ field: '/accent', detail: 'Give `accent` too: it is the colour on light backgrounds.' })
    return
  }
  const onLight = contrastFault(accent, 'light')
  if (onLight !== undefined) faults.push({ field: '/accent', detail: onLight })
  const onDark = contrastFault(accentDark ?? accent, 'dark')
  if (onDark === undefined) return
  if (accentDark !== null) faults.push({ field: '/accentDark', detail: onDark })
  else {
    const detail = `${onDark.split(' Choose ', 1)[0]} Set \`accentDark\` to a lighter colour for it, such as ${readable(accent, 'dark')}.`
    faults.push({ field: '/accentDark', detail })
  }
}

function checkColour(text: string, field: string, faults: FieldError[]): void {
  if (/^#[0-9a-f]{6}$/.test(text)) return
  faults.push({ field, detail: 'The value must be a colour as `#` and six hexadecimal digits, such as `#2f4bc3`.' })
}
