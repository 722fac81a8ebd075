/** What the API didn't find, by name: its own sentence says only what it was. */
import { plain } from './terminal/widths.ts'

/**
 * Names what a call was about, and the tenant in which it was looked for.
 *
 * @param message the client's, with the method and the path in front
 * @param sentence the same without them
 * @param url the server's
 */
export function notFoundSentence(message: string, sentence: string, url: string): string {
  const [, noun] = /^The (.+) was not found\.$/.exec(sentence) ?? []
  const [, path] = /^[A-Z]+ \S*?\/v1\/(\S+): /.exec(message) ?? []
  if (noun === undefined || path === undefined) return sentence
  const parts = path.split('/').map(part => plain(decodeURIComponent(part)))
  const tenant = parts[0] === 'tenants' ? parts[1] : undefined
  if (noun === 'tenant' && tenant !== undefined) {
    const how = `Choose one of posthorn tenants list, or create it: posthorn tenants put ${tenant}`
    return `There is no tenant ${tenant} at ${url}. ${how}`
  }
  const id = tenant === undefined ? parts[1] : parts[3]
  if (id === undefined) return sentence
  return `The ${noun} ${id} was not found ${tenant === undefined ? '' : `in the tenant ${tenant} `}at ${url}.`
}
