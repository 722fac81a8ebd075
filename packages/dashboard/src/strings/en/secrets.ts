import { formatNumber } from '../../lib/format.ts'
import type { SecretAdvice, SecretFault } from '../../lib/jwt.ts'
import { translated } from '../translated.ts'

/** Words about the secrets of an endpoint, where one is typed or pasted. */
export const secrets = translated('secrets', {
  label: 'Secret',
  help: 'Sent as “Authorization: Bearer …”, exactly as written here. It is stored encrypted and never shown again.',
  show: 'Show the secret',
  hide: 'Hide the secret',
  generate: 'Generate',
  generated: 'Copy it now: after saving it is never shown again.',
  copyWhat: 'the secret',

  faults: {
    empty: () => 'Enter a secret, or generate one.',
    bearer: () => 'Remove the word “Bearer” and the space after it: Posthorn adds them itself.',
    character: position =>
      `Character ${position + 1} is not allowed: use letters, digits and - . _ ~ + /, and = only at the end.`,
    too_long: position => `Use at most ${formatNumber(position)} characters.`,
  } satisfies Record<SecretFault['reason'], (position: number) => string>,

  token: {
    isOne: 'A token (JWT)',
    expires: 'expires',
    expired: 'expired',
    never: 'never expires',
    issued: 'issued',
  },

  advice: {
    secret_for_several_types:
      'It is used for several event types. Better: an endpoint with a secret of its own for each type.',
    secret_short: 'It has fewer than 16 characters. Better: a longer, random one.',
    token_expired: 'It has expired, so the receiver will reject every request. Issue a new one.',
    token_expires_soon: 'It expires within 30 days. Issue one that lasts longer, or plan its replacement now.',
    token_expires_within_six_months_of_issue:
      'It is valid for less than six months. Better: a token that needs to be issued again every six months at most.',
    token_carries_access:
      'It grants access to more than the webhook, and the receiver’s side sees it. Better: a token with the least access possible.',
  } satisfies Record<SecretAdvice, string>,
  accessBy: (claims: string) => `Claims: ${claims}`,
} as const)
