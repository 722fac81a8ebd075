/** Runs wherever there is Fetch: calls a server's API and verifies a webhook, through the installed package. */
import { Posthorn, PosthornError, VerificationError, verify } from '@posthorn/client'

const encoder = new TextEncoder()
const base64 = bytes => btoa(String.fromCharCode(...bytes))

export async function check(url, apiKey) {
  const posthorn = new Posthorn({ url, apiKey, maxRetries: 0 })
  const tenant = `runtime-${Math.random().toString(36).slice(2)}`
  await posthorn.tenants.put(tenant, {})
  const payload = { CoverId: '564200aa-7128-4a26-83a8-cf0201903fcc' }
  await posthorn.events.publish(
    tenant,
    ['a', 'b', 'c'].map(key => ({ type: 'COVER_REFERENCE', payload, key })),
  )
  const keys = []
  for await (const { key } of posthorn.events.list(tenant, { limit: 2 })) keys.push(key)
  const error = await posthorn.tenants.get('nowhere').catch(reason => reason)
  return {
    keys,
    refused: error instanceof PosthornError && error.code,
    verified: await Promise.all([signed('{}'), signed('{} ')].map(outcomeOf)),
  }
}

/** A request whose body is signed as `{}`. */
async function signed(body) {
  const clientSecret = 'c2VjcmV0LXRva2VuLXdpdGgtcGFkZGluZw=='
  const secret = new Uint8Array(32).fill(7)
  const [id, timestamp] = ['evt_01m86ab741etc96zvjzydbbv1x', String(Math.floor(Date.now() / 1_000))]
  const key = await crypto.subtle.importKey('raw', secret, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  const made = await crypto.subtle.sign('HMAC', key, encoder.encode(`${id}.${timestamp}.{}`))
  const headers = {
    authorization: `Bearer ${clientSecret}`,
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${base64(new Uint8Array(made))}`,
  }
  const request = new Request('https://receiver.example/hook', { method: 'POST', headers, body })
  return verify(request, { clientSecret, signingSecret: `whsec_${base64(secret)}` })
}

async function outcomeOf(work) {
  try {
    await work
    return 'taken'
  } catch (error) {
    if (!(error instanceof VerificationError)) throw error
    return error.reason
  }
}
