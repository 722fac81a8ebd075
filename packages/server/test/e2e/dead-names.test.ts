import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startNameServer, startNode, startReceiver } from '@posthorn/testkit'
import { expect, it } from 'vitest'
import { inPlace, SECRET } from './process.ts'

const SERVER_ADDRESS = '127.0.53.54'
const HOST = 'good.localhost'
/** More than the thread pool has threads. */
const DEAD = 80
const EVENTS = 20

/** Why the test can't run on this machine. Undefined if it can. */
function obstacle(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root can listen on port 53 and mount a resolv.conf'
  try {
    execFileSync('unshare', ['-m', 'mount', '--bind', '/etc/hosts', '/etc/resolv.conf'], { stdio: 'ignore' })
    return undefined
  } catch {
    return 'this account is not permitted to unshare a mount namespace'
  }
}

const why = obstacle()
const title = "80 names of a tenant whose server doesn't respond delay no delivery of another tenant"

it.skipIf(why !== undefined)(why === undefined ? title : `${title} (skipped: ${why})`, { timeout: 90_000 }, () =>
  inPlace(async ({ folder, authority }) => {
    const names = await startNameServer({
      address: SERVER_ADDRESS,
      port: 53,
      answer({ name, type }) {
        if (name.startsWith('dead')) return 'silent'
        // Without a time to live, so that each connection needs a look-up.
        return name === HOST ? { records: type === 'A' ? [{ a: '127.0.0.1', ttl: 0 }] : [] } : { code: 'NXDOMAIN' }
      },
    })
    const closing = { headers: { connection: 'close' } }
    const receiver = await startReceiver({ authority, names: [HOST], script: () => closing })
    const [resolvConf, ca] = [join(folder, 'resolv.conf'), join(folder, 'ca.pem')]
    writeFileSync(resolvConf, `nameserver ${SERVER_ADDRESS}\noptions attempts:5\n`)
    writeFileSync(ca, authority.caPem)
    const apiKey = randomBytes(24).toString('base64url')
    // Attempts at the dead names last until the test is over.
    const flags = ['--data', join(folder, 'data'), '--extra-ca', ca, '--connect-timeout-ms', '60000']
    const node = await startNode({ apiKey, encryptionKey: randomBytes(32).toString('base64'), resolvConf, flags })
    const call = async (method: string, path: string, body?: unknown) => {
      const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' }
      const text = body === undefined ? {} : { body: JSON.stringify(body) }
      const response = await fetch(`${node.url}/v1/${path}`, { method, headers, ...text })
      expect(response.ok, `${method} ${path}`).toBe(true)
      return (await response.json()) as { data: { state: string; lastAttempt: unknown }[] }
    }
    const event = { type: 'COVER_REFERENCE', payload: { CoverId: '564200aa-7128-4a26-83a8-cf0201903fcc' } }
    for (const tenant of ['dead', 'good']) await call('PUT', `tenants/${tenant}`, {})
    await call('POST', 'tenants/good/endpoints', { url: receiver.url, clientSecret: SECRET })
    const urls = Array.from({ length: DEAD }, (_, index) => `https://dead-${index}.example.com/`)
    await Promise.all(urls.map(url => call('POST', 'tenants/dead/endpoints', { url, clientSecret: SECRET })))
    const before = names.questions.length
    await call('POST', 'tenants/dead/events', event)
    await expect.poll(() => names.questions.length, { timeout: 10_000 }).toBeGreaterThan(before)
    for (let count = 1; count <= EVENTS; count++) {
      await call('POST', 'tenants/good/events', event)
      await receiver.waitFor(({ total }) => total >= count, { timeoutMs: 30_000 })
    }
    expect(receiver.connections).toBe(EVENTS)
    const { data } = await call('GET', 'tenants/dead/deliveries?limit=100')
    expect(data).toHaveLength(DEAD)
    expect(data.filter(({ lastAttempt }) => lastAttempt !== null)).toEqual([])
    node.kill('SIGKILL')
    await node.ended
    await receiver.close()
    await names.close()
  }),
)
