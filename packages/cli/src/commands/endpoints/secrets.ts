import { type Command, InvalidArgumentError, Option } from 'commander'
import { addCommand, withTenant } from '../../command.ts'
import { readSecret } from '../../input.ts'
import { confirm } from '../../terminal/ask.ts'
import type { Terminal } from '../../terminal/index.ts'

type Flags = {
  readonly yes?: boolean
  readonly gracePeriodSeconds?: number
  readonly signatureVersion?: 'v1' | 'v1a'
  readonly signingSecretFile?: string
}

export function addSecrets(noun: Command, terminal: Terminal): void {
  const rotate = addCommand(noun, 'rotate-secret <endpoint>', 'Replace the signing secret of an endpoint.', [
    ['posthorn endpoints rotate-secret orders --tenant acme', 'The old one stays valid for 24 hours.'],
    [
      'posthorn endpoints rotate-secret orders --tenant acme --grace-period-seconds 0 --yes',
      'The old one has leaked: not a second longer.',
    ],
  ])
    .option('--grace-period-seconds <seconds>', 'How long older secrets stay valid. Default: a day.', seconds)
    .addOption(new Option('--signature-version <version>', 'Of the new secret.').choices(['v1', 'v1a']))
    .option(
      '--signing-secret-file <file>',
      'A file with a secret of your own (it begins with whsec_); - is standard input.',
    )
    .option('--yes', 'Do not ask.')
  withTenant(rotate, terminal, async (run, flags: Flags, id: string) => {
    const { posthorn, out, tenant, url } = run
    const { yes = false, gracePeriodSeconds, signatureVersion, signingSecretFile } = flags
    const signingSecret =
      signingSecretFile === undefined ? undefined : await readSecret(signingSecretFile, 'signing secret', terminal)
    await confirm(terminal, `Replace the signing secret of ${id} of ${tenant} at ${url}?`, yes)
    const body = { signingSecret, signatureVersion, gracePeriodSeconds }
    const endpoint = await posthorn.endpoints.rotateSigningSecret(tenant, id, body)
    if (out.isJson) return out.json(endpoint)
    if (endpoint.signingSecret !== null) {
      await out.say(`The new signing secret, which is not shown again: ${endpoint.signingSecret}`)
    }
    for (const { fingerprint, expiresAt, publicKey } of endpoint.signing) {
      const key = publicKey === null ? '' : `, public key ${publicKey}`
      await out.say(
        `${fingerprint}: ${expiresAt === null ? 'valid' : `valid, expires ${out.show.time(expiresAt)}`}${key}`,
      )
    }
  })
}

function seconds(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It must be a whole number of seconds.')
  return Number(text)
}
