import { beforeAll, expect, test } from 'vitest'
import { type Authority, createAuthority, type HostileKind, startHostileReceiver } from '../src/index.ts'
import { type Outcome, post } from './post.ts'

let authority: Authority
beforeAll(async () => {
  authority = await createAuthority()
})

const TIMED_OUT: Outcome = { error: 'ABORT_ERR' }
const RESET: Outcome = { error: 'ECONNRESET' }

/** How Node's own client sees each kind: a timeout, an error or a response. */
const EXPECTED: { readonly [kind in HostileKind]: Partial<Outcome> } = {
  hang: TIMED_OUT,
  hang_tls: TIMED_OUT,
  drip_head: TIMED_OUT,
  drip_body: TIMED_OUT,
  flood: { status: 200 },
  endless_1xx: TIMED_OUT,
  interim_first: { status: 200 },
  endless_reason: { error: 'HPE_HEADER_OVERFLOW' },
  protocol_change: { status: 101 },
  huge_head: { error: 'HPE_HEADER_OVERFLOW' },
  reset_after_request: RESET,
  reset_on_connect: RESET,
  close_after_request: RESET,
  early_close: RESET,
  trailing_garbage: { error: 'HPE_INVALID_CONSTANT' },
  gzip_bomb: { status: 200 },
  bad_http: { error: 'HPE_INVALID_CONSTANT' },
  bad_tls: { error: 'EPROTO' },
  expired_cert: { error: 'CERT_HAS_EXPIRED' },
  wrong_host: { error: 'ERR_TLS_CERT_ALTNAME_INVALID' },
  untrusted: { error: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' },
  tls11: { error: 'EPROTO' },
  redirect: { status: 302 },
}

test.each(Object.entries(EXPECTED) as [HostileKind, Outcome][])('%s misbehaves', async (kind, expected) => {
  const receiver = await startHostileReceiver({ authority, kind, bytes: 5_000_000 })
  expect(await post(receiver.url, { ca: authority.caPem, timeoutMs: 400 })).toMatchObject(expected)
  expect(receiver.connections).toBe(1)
  await receiver.close()
  await receiver.waitFor(({ open }) => open === 0)
})

test('a flood is sent no faster than it is read, and ends', async () => {
  const receiver = await startHostileReceiver({ authority, kind: 'flood', status: 500, bytes: 5_000_000 })
  const outcome = await post(receiver.url, { ca: authority.caPem })
  expect(outcome).toMatchObject({ status: 500 })
  expect('body' in outcome && outcome.body.length).toBe(5_000_000)
  expect(receiver.bytesSent).toBeLessThan(5_001_000)
  await receiver.close()
})

test('closing the receiver ends hanging requests', async () => {
  const receiver = await startHostileReceiver({ authority, kind: 'hang' })
  const pending = post(receiver.url, { ca: authority.caPem })
  await receiver.waitFor(({ requests }) => requests === 1)
  await receiver.close()
  expect(await pending).toEqual(RESET)
})
