/** Runs on any runtime with Fetch and Web Crypto and prints the outcomes. Imports only the library. */
import { VerificationError, verify } from '../../src/index.ts'

const encoder = new TextEncoder()
const base64 = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes))
const clientSecret = 'c2VjcmV0LXRva2VuLXdpdGgtcGFkZGluZw=='
const id = 'evt_01m86ab741etc96zvjzydbbv1x'
const timestamp = String(Math.floor(Date.now() / 1_000))
const text = '{"CoverId":"564200aa-7128-4a26-83a8-cf0201903fcc"}'
const content = encoder.encode(`${id}.${timestamp}.${text}`)

async function hmac(secret: Uint8Array<ArrayBuffer>): Promise<string> {
  const key = await crypto.subtle.importKey('raw', secret, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  return `v1,${base64(new Uint8Array(await crypto.subtle.sign('HMAC', key, content)))}`
}

const request = (signature: string, body = text, bearer = clientSecret) =>
  new Request('https://receiver.example/hook', {
    method: 'POST',
    headers: {
      authorization: `Bearer ${bearer}`,
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': signature,
    },
    body,
  })

async function outcomeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work
    return 'taken'
  } catch (error) {
    if (!(error instanceof VerificationError)) throw error
    return `${error.check} ${error.reason}`
  }
}

const secret = new Uint8Array(32).fill(7)
const signingSecret = `whsec_${base64(secret)}`
const signature = await hmac(secret)
const pair = await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])
if (!('publicKey' in pair)) throw new Error('generateKey did not return a key pair')
const publicKey = `whpk_${base64(new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey)))}`
const ed25519 = `v1a,${base64(new Uint8Array(await crypto.subtle.sign('Ed25519', pair.privateKey, content)))}`

const outcomes = [
  await outcomeOf(verify(request(signature), { clientSecret, signingSecret })),
  await outcomeOf(verify(request(ed25519), { clientSecret, signingSecret: publicKey })),
  await outcomeOf(verify(request(signature, `${text} `), { clientSecret, signingSecret })),
  await outcomeOf(verify(request(ed25519, `${text} `), { clientSecret, signingSecret: publicKey })),
  await outcomeOf(verify(request(signature, text, 'wrong'), { clientSecret, signingSecret })),
]
console.log(JSON.stringify(outcomes))
