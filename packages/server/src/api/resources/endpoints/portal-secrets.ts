import type { Endpoint } from '../../../base/model.ts'
import { requirePortal } from '../../http/access.ts'
import type { Caller } from '../../http/gate.ts'

/** What a change of them replaces is a secret, or says who gets one. */
const SECRET_MEMBERS = ['clientSecret', 'switchAt', 'oauth', 'clientCertificate', 'headers'] as const

type Patch = { readonly url?: string } & { readonly [Member in (typeof SECRET_MEMBERS)[number]]?: unknown }

/**
 * Throws `forbidden` for a portal's user without the permissions that a change needs: `secrets` to replace a secret, or to
 * send the one there is to another receiver; `endpoints` for all the rest.
 *
 * @param current reads the endpoint as it is
 */
export async function requirePermissionsToChange(
  caller: Caller | null,
  patch: Patch,
  current: () => Promise<Pick<Endpoint, 'url'>>,
): Promise<void> {
  if (caller?.portal === undefined) return
  const members = Object.keys(patch)
  const isSecret = (member: string) => SECRET_MEMBERS.some(each => each === member)
  if (!members.every(isSecret)) requirePortal(caller, 'endpoints')
  if (members.some(isSecret)) requirePortal(caller, 'secrets')
  const { may } = caller.portal
  if (patch.url === undefined || may.includes('secrets')) return
  if (!isSameHost(patch.url, (await current()).url ?? '')) requirePortal(caller, 'secrets')
}

function isSameHost(url: string, current: string): boolean {
  return URL.parse(url)?.host === URL.parse(current)?.host
}
