/** Where notifications can go: a mail address, or the URL of a chat's incoming webhook. */
import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import type { FieldError } from '../../base/errors.ts'
import type { NotificationKind } from '../../base/notification.ts'
import { checkTargetUrl, type TargetPolicy } from '../../guard/target.ts'

export type CheckedAddress = {
  /** What is sent to. */
  readonly address: string
  /** What is shown: of a URL only the origin, because its path is a secret. */
  readonly shown: string
  /** The same for addresses that reach the same person, as far as that can be told. */
  readonly identity: string
}

/** RFC 5321 §4.5.3.1. */
const MAX_LOCAL = 64
const MAX_ADDRESS = 254
/** An atom of RFC 5322 §3.2.3. Quoted local parts are refused: no one has one, and they can hide a second address. */
const LOCAL = /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/i
const DOMAIN = /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$/

/** Undefined if the address is refused; `faults` then says why. */
export function checkAddress(
  kind: NotificationKind,
  text: string,
  policy: TargetPolicy,
  faults: FieldError[],
): CheckedAddress | undefined {
  if (kind === 'email') return checkMail(text, faults)
  const target = checkTargetUrl(text, policy)
  if (!target.ok) {
    faults.push({ field: '/address', detail: target.detail })
    return undefined
  }
  return { address: target.url, shown: new URL(target.url).origin, identity: target.url }
}

function checkMail(text: string, faults: FieldError[]): CheckedAddress | undefined {
  const at = text.lastIndexOf('@')
  const [local, written] = [text.slice(0, Math.max(at, 0)), text.slice(at + 1)]
  const domain = /^[^\s@<>[\]()",;:\\]+$/.test(written) ? domainToASCII(written).toLowerCase() : ''
  const isGood = LOCAL.test(local) && local.length <= MAX_LOCAL && DOMAIN.test(domain) && isIP(domain) === 0
  const address = `${local}@${domain}`
  if (!isGood || address.length > MAX_ADDRESS) {
    faults.push({ field: '/address', detail: 'The value must be one mail address, such as ada@example.com.' })
    return undefined
  }
  // `ada+hooks@` reaches the same person as `ada@`: limits are for people.
  const identity = `mailto:${local.toLowerCase().replace(/\+.*$/, '')}@${domain}`
  return { address, shown: address, identity }
}
