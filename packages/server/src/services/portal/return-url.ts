import type { FieldError } from '../../base/errors.ts'
import { isLoopbackHost } from '../../guard/target.ts'
import { checkStorable } from '../checks/values.ts'

const MAX_CHARACTERS = 2_048

/** Checks where a portal leads to: a link on a page, so anything but a web address could run a script. */
export function checkReturnUrl(text: string, dev: boolean, faults: FieldError[], field = '/returnUrl'): void {
  const before = faults.length
  checkStorable(text, field, faults)
  if (faults.length > before) return
  const detail = detailOf(text, dev)
  if (detail !== undefined) faults.push({ field, detail })
}

function detailOf(text: string, dev: boolean): string | undefined {
  if (text.length > MAX_CHARACTERS) return `The URL can have at most ${MAX_CHARACTERS} characters.`
  const url = URL.parse(text)
  // Browsers leave out tabs and line breaks, and take `\` for `/`: what is shown would not be what is opened.
  // Without both slashes, `https:example.com` is a place next to the page that it is a link on.
  if (url === null || /[\s\\]/.test(text) || /^https?:(?!\/\/[^/])/i.test(text)) {
    return 'The value must be an absolute URL, such as https://example.com/settings.'
  }
  if (url.username !== '' || url.password !== '') return 'The URL must not contain a user name or password.'
  if (url.protocol === 'https:') return undefined
  if (dev && url.protocol === 'http:' && isLoopbackHost(url.hostname.replace(/^\[|\]$/g, ''))) return undefined
  return dev
    ? 'The URL must start with https://, or with http:// and a name of this machine.'
    : 'The URL must start with https://.'
}
