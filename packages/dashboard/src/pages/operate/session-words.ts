import type { Session } from '@posthorn/client'
import { browserOf } from '../../lib/user-agent.ts'
import { access } from '../../strings/en/access.ts'

const words = access.sessions

/** The name of the key that signed in, or of the person. */
export const nameOf = ({ apiKey }: Session): string => apiKey.name ?? words.root

/** The same for all sessions of a key or a person. Keys have ids, and a person's issuer has no space in its id. */
export const holderOf = ({ apiKey, person }: Session): string =>
  person === null ? (apiKey.id ?? ROOT) : `${person.issuer} ${person.subject}`

/** The filter for the root key, which has no id. */
const ROOT = 'root'

/** `Firefox 140 on Linux`, or what the browser calls itself. */
export function whereOf({ userAgent }: Session): string {
  if (userAgent === null) return words.unknown
  const { browser, system } = browserOf(userAgent)
  if (browser === null) return userAgent
  return system === null ? browser : words.on(browser, system)
}
