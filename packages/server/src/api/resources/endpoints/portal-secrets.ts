import type { Endpoint } from '../../../base/model.ts'
import { requirePortal } from '../../http/access.ts'
import type { Caller } from '../../http/gate.ts'

/** What a change of them replaces is a secret, or says who gets one. */
const SECRET_MEMBERS = ['clientSecret', 'switchAt', 'oauth', 'clientCertificate', 'headers'] as const

type Patch = { readonly url?: string } & { readonly [Member in (typeof SECRET_MEMBERS)[number]]?: unknown }

/**
 * Throws `forbidden` for a portal's user without the permission `secrets` who would replace a secret, or send the one
 * there is to another receiver.
 *
 * @param current reads the endpoint as it is
 */
export async function requireSecretsToChange(
  caller: Caller | null,
  patch: Patch,
  current: () => Promise<Pick<Endpoint, 'url'>>,
): Promise<void> {
  if (caller?.portal === undefined || caller.portal.may.includes('secrets')) return
  const isSecret = SECRET_MEMBERS.some(member => patch[member] !== undefined)
  if (isSecret || (patch.url !== undefined && !isSameHost(patch.url, (await current()).url ?? ''))) {
    requirePortal(caller, 'secrets')
  }
}

function isSameHost(url: string, current: string): boolean {
  return URL.parse(url)?.host === URL.parse(current)?.host
}
