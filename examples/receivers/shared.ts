/** What the receivers have in common: their secrets, and what they do with a webhook. */
import type { AddressInfo } from 'node:net'
import type { VerifyOptions, Webhook } from '@posthorn/client'

const { CLIENT_SECRET, SIGNING_SECRET } = process.env

/** As your provider has them; either is enough, both are better. */
export const secrets: VerifyOptions = {
  ...(CLIENT_SECRET === undefined ? {} : { clientSecret: CLIENT_SECRET }),
  ...(SIGNING_SECRET === undefined ? {} : { signingSecret: SIGNING_SECRET }),
}

const seen = new Set<string>()

/** Put it away first, and answer; work later. In earnest: in a database, where a restart doesn't forget it. */
export function remember(webhook: Webhook): void {
  // Twice: an answer of ours got lost.
  if (seen.has(webhook.id)) return
  seen.add(webhook.id)
  process.stdout.write(`${webhook.id}${webhook.test ? ' (a test)' : ''} ${JSON.stringify(webhook.json())}\n`)
}

export function listening(server: { address(): AddressInfo | string | null }): void {
  const { port } = server.address() as AddressInfo
  process.stdout.write(`listening on http://localhost:${port}\n`)
}
