/** Checks the token server that a tenant sets for an endpoint (OAuth 2.0 client credentials). */
import type { FieldError } from '../../base/errors.ts'
import { checkTargetUrl, type Target, type TargetPolicy } from '../../guard/target.ts'
import { CREDENTIALS_PLACES, type OAuthClient } from '../../secrets/credentials.ts'
import { isRecord } from '../checks/values.ts'

export type OAuthInput = Pick<OAuthClient, 'tokenUrl' | 'clientId' | 'clientSecret'> & {
  readonly scope?: string | null
  readonly audience?: string | null
  /** One or several URIs (RFC 8707). */
  readonly resource?: string | readonly string[] | null
  /** Default: header. */
  readonly credentialsIn?: OAuthClient['credentialsIn']
}

/** `target` is where the tokenUrl leads, which is still to be resolved. */
export type CheckedOAuth = { readonly client: OAuthClient; readonly target: Target }

const MAX_CHARACTERS = 1_024
const MAX_RESOURCES = 10
const MAX_RESOURCE_CHARACTERS = 2_048
const PRINTABLE = /^[ -~]+$/
/** RFC 6749 §3.3: words of visible characters other than `"` and `\`. */
const SCOPE = /^[!#-[\]-~]+(?: [!#-[\]-~]+)*$/
/** RFC 8707 §2: an absolute URI without a fragment. */
const RESOURCE = /^[a-z][a-z0-9+.-]*:[!"$-~]+$/i

/** Adds problems to `faults`, and returns null if there are any. Their details never contain a secret. */
export function checkOAuth(given: unknown, policy: TargetPolicy, faults: FieldError[]): CheckedOAuth | null {
  const input = isRecord(given) ? given : {}
  const { tokenUrl, credentialsIn = 'header' } = input
  const before = faults.length
  const target = typeof tokenUrl === 'string' ? checkTargetUrl(tokenUrl, policy) : undefined
  if (target?.ok !== true) {
    const fault = target ?? { detail: 'The tokenUrl must be a string.' }
    const reason = 'reason' in fault ? { reason: fault.reason } : {}
    faults.push({ field: '/oauth/tokenUrl', detail: fault.detail, ...reason })
  }
  const clientId = checkPrintable(input.clientId, 'clientId', faults)
  const clientSecret = checkPrintable(input.clientSecret, 'clientSecret', faults)
  const scope = checkScope(input.scope ?? null, faults)
  const audience = (input.audience ?? null) === null ? null : checkPrintable(input.audience, 'audience', faults)
  const resource = checkResource(input.resource ?? [], faults)
  if (!isPlace(credentialsIn)) {
    faults.push({ field: '/oauth/credentialsIn', detail: `The value must be ${CREDENTIALS_PLACES.join(' or ')}.` })
  }
  if (faults.length > before || target?.ok !== true || !isPlace(credentialsIn)) return null
  return {
    client: { tokenUrl: target.url, clientId, clientSecret, scope, audience, resource, credentialsIn },
    target,
  }
}

const isPlace = (value: unknown): value is OAuthClient['credentialsIn'] =>
  (CREDENTIALS_PLACES as readonly unknown[]).includes(value)

function checkPrintable(value: unknown, name: string, faults: FieldError[]): string {
  if (typeof value === 'string' && value.length <= MAX_CHARACTERS && PRINTABLE.test(value)) return value
  const detail = `The value must be a string of 1 to ${MAX_CHARACTERS} printable ASCII characters.`
  faults.push({ field: `/oauth/${name}`, detail })
  return ''
}

function checkScope(scope: unknown, faults: FieldError[]): string | null {
  if (scope === null || (typeof scope === 'string' && scope.length <= MAX_CHARACTERS && SCOPE.test(scope))) return scope
  faults.push({ field: '/oauth/scope', detail: 'The scope must be a list of scopes separated by single spaces.' })
  return null
}

function checkResource(given: unknown, faults: FieldError[]): readonly string[] {
  const isList = Array.isArray(given)
  const resources: readonly unknown[] = isList ? given : [given]
  if (resources.length > MAX_RESOURCES) {
    faults.push({ field: '/oauth/resource', detail: `There must not be more than ${MAX_RESOURCES} resources.` })
    return []
  }
  for (const [index, resource] of resources.entries()) {
    const isUri = typeof resource === 'string' && RESOURCE.test(resource) && URL.canParse(resource)
    if (isUri && resource.length <= MAX_RESOURCE_CHARACTERS) continue
    const detail = `The value must be an absolute URI without a fragment, of at most ${MAX_RESOURCE_CHARACTERS} characters.`
    faults.push({ field: isList ? `/oauth/resource/${index}` : '/oauth/resource', detail })
  }
  return resources as readonly string[]
}
