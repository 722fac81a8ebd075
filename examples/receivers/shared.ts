/** Shared by the example receivers: their secrets, and what they do with a webhook. */
import type { AddressInfo } from 'node:net'
import type { VerifyOptions, Webhook } from '@posthorn/client'

const { CLIENT_SECRET, SIGNING_SECRET } = process.env

/** The secrets that your provider has for this endpoint. Either is enough; both are better. */
export const secrets: VerifyOptions = {
  ...(CLIENT_SECRET === undefined ? {} : { clientSecret: CLIENT_SECRET }),
  ...(SIGNING_SECRET === undefined ? {} : { signingSecret: SIGNING_SECRET }),
}

const seen = new Set<string>()

/** Stores a webhook; respond next and process it later. In production use a database, so that it survives a restart. */
export function remember(webhook: Webhook): void {
  // Already received: the earlier response did not reach the sender.
  if (seen.has(webhook.id)) return
  seen.add(webhook.id)
  process.stdout.write(`${webhook.id}${webhook.test ? ' (a test)' : ''} ${JSON.stringify(webhook.json())}\n`)
}

export function listening(server: { address(): AddressInfo | string | null }): void {
  const { port } = server.address() as AddressInfo
  process.stdout.write(`listening on http://localhost:${port}\n`)
}
