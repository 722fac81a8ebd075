/** Shared by the example receivers: their secrets, and what they do with a webhook. */
import type { AddressInfo } from 'node:net'
import type { VerifyOptions, Webhook } from '@posthorn/client'

/** The secrets that your provider has for this endpoint. Either is enough; both are better. */
export const secrets: VerifyOptions = {
  ...secretsIn('clientSecret', process.env.CLIENT_SECRET),
  ...secretsIn('signingSecret', process.env.SIGNING_SECRET),
}

/** While you replace a secret, set both, separated by a comma: new,old */
function secretsIn(name: 'clientSecret' | 'signingSecret', text = ''): VerifyOptions {
  const list = text.split(',').filter(one => one !== '')
  return list.length === 0 ? {} : { [name]: list }
}

const REMEMBERED_IDS = 10_000
const seen = new Set<string>()

/**
 * Stores a webhook; respond next and process it later. Throws VerificationError if it is not JSON.
 *
 * This remembers the latest ids, in memory. In production, use your database, so that an event survives a restart and is
 * known to all processes: INSERT INTO events (id, payload) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING
 */
export function remember(webhook: Webhook): void {
  const payload = webhook.json()
  // A test request has no event behind it. And an event can arrive twice.
  if (webhook.test || seen.has(webhook.id)) return
  seen.add(webhook.id)
  if (seen.size > REMEMBERED_IDS) seen.delete(seen.values().next().value!)
  process.stdout.write(`${webhook.id} ${JSON.stringify(payload)}\n`)
}

export function listening(server: { address(): AddressInfo | string | null }): void {
  const { port } = server.address() as AddressInfo
  process.stdout.write(`listening on http://localhost:${port}/webhooks\n`)
}
