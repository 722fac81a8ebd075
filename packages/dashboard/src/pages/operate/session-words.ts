import type { Session } from '@posthorn/client'
import { browserOf } from '../../lib/user-agent.ts'
import { access } from '../../strings/en/access.ts'

const words = access.sessions

/** The name of the key that signed in. */
export const nameOf = ({ apiKey }: Session): string => apiKey.name ?? words.root

/** `Firefox 140 on Linux`, or what the browser calls itself. */
export function whereOf({ userAgent }: Session): string {
  if (userAgent === null) return words.unknown
  const { browser, system } = browserOf(userAgent)
  if (browser === null) return userAgent
  return system === null ? browser : words.on(browser, system)
}
