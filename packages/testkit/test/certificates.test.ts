import { createServer, get } from 'node:https'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { createAuthority, startReceiver } from '../src/index.ts'

function statusOf(url: string, ca: string): Promise<number | string> {
  return new Promise(resolve => {
    get(url, { ca, agent: false }, response => {
      response.resume()
      resolve(response.statusCode ?? 0)
    }).on('error', error => resolve('code' in error ? String(error.code) : error.message))
  })
}

test('a certificate is accepted with its authority, by name and by address', async () => {
  const authority = await createAuthority()
  const { certPem, keyPem } = await authority.issue({ names: ['localhost'], ips: ['127.0.0.1'] })
  const server = createServer({ cert: certPem, key: keyPem }, (_request, response) => response.end())
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  expect(await statusOf(`https://127.0.0.1:${port}/`, authority.caPem)).toBe(200)
  expect(await statusOf(`https://localhost:${port}/`, authority.caPem)).toBe(200)
  server.close()
})

test('a certificate is refused with another authority', async () => {
  const [authority, other] = await Promise.all([createAuthority(), createAuthority()])
  const receiver = await startReceiver({ authority })
  expect(await statusOf(receiver.url, other.caPem)).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE')
  await receiver.close()
})
