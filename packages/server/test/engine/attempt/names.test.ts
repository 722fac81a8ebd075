import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createAuthority,
  type NameQuestion,
  type NameReply,
  type NameServer,
  startNameServer,
  startReceiver,
} from '@posthorn/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { type ConnectionSettings, Connections } from '../../../src/engine/attempt/connections.ts'
import { deliver } from '../../../src/engine/attempt/deliver.ts'
import { Names } from '../../../src/guard/names/names.ts'

let folder: string
let server: NameServer
let names: Names
let answer: (question: NameQuestion) => NameReply

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'posthorn-names-'))
  const write = async (file: string, text: string) => {
    await writeFile(join(folder, file), text)
    return join(folder, file)
  }
  server = await startNameServer({ answer: question => answer(question) })
  names = new Names(systemClock, {
    paths: {
      nsswitch: await write('nsswitch', 'hosts: files dns\n'),
      resolvConf: await write('resolvConf', 'nameserver 127.0.0.1\nsearch below.test\n'),
      hosts: await write('hosts', ''),
      gaiConf: join(folder, 'none'),
    },
    port: server.port,
  })
})
afterEach(async () => {
  names.close()
  await server.close()
  await rm(folder, { recursive: true })
})

async function attempt(host: string, connectTimeoutMs = 5_000, over: Partial<ConnectionSettings> = {}, port = 8_443) {
  const policy = { dev: false, targetPorts: [{ first: 1, last: 65_535 }], allowTarget: [] }
  const settings = { ...policy, proxy: null, connectTimeoutMs, maxInFlightPerHost: 128, extraCa: [], ...over }
  const connections = new Connections(settings, systemClock, names.resolve)
  const route = { origin: `https://${host}:${port}`, tenant: 'acme', identity: null }
  const request = { route, path: '/', headers: [], body: Buffer.from('{}'), timeoutMs: 5_000, startedAtMs: 0 }
  const exchange = await deliver({ ...request, mayBegin: () => true }, connections, systemClock)
  connections.close()
  return exchange!
}

describe('an attempt whose host name has no address', () => {
  it.each<[string, NameReply, string, string | null]>([
    ['there is no such name', { code: 'NXDOMAIN' }, 'name_unknown', 'ENOTFOUND'],
    ['the name has no address', { records: [] }, 'name_without_address', 'ENODATA'],
    [
      'the name is an alias that leads back to itself',
      { records: [{ cname: 'hooks.test' }] },
      'name_without_address',
      'ENODATA',
    ],
    ['the server fails', { code: 'SERVFAIL' }, 'name_server_failed', 'ESERVFAIL'],
    ['the server refuses', { code: 'REFUSED' }, 'name_server_refused', 'EREFUSED'],
    ['the server does not support the question', { code: 'NOTIMP' }, 'name_server_refused', 'ENOTIMP'],
  ])('says so: %s', async (_what, reply, code, value) => {
    answer = ({ name }) => (name.endsWith('below.test') ? { code: 'NXDOMAIN' } : reply)
    expect(await attempt('hooks.test')).toMatchObject({ failure: 'dns_failed', detail: { code, value }, address: null })
  })

  it('says so: the server was silent until the time for connecting was over', async () => {
    answer = () => 'silent'
    const detail = { code: 'name_server_silent' }
    expect(await attempt('hooks.test', 300)).toMatchObject({ failure: 'dns_failed', detail })
    await expect.poll(() => names.state.running).toBe(0)
  })

  it('says so: the address is refused', async () => {
    answer = ({ type }) => ({ records: type === 'A' ? [{ a: '203.0.113.5' }, { a: '169.254.169.254' }] : [] })
    expect(await attempt('hooks.test')).toMatchObject({
      failure: 'target_refused',
      detail: { code: 'address_refused' },
    })
  })
})

describe('a receiver is reached', () => {
  it.each<[string, string, (type: string) => NameReply]>([
    [
      'although the answer with its addresses is too large for UDP (RFC 7766)',
      'hooks.test',
      type => ({ records: type === 'A' ? Array.from({ length: 90 }, () => ({ a: '127.0.0.1' })) : [] }),
    ],
    [
      'at a name with an underscore that stands for another one',
      'my_hooks.test',
      type => ({
        records: type === 'A' ? [{ cname: '_a.hooks.test' }, { name: '_a.hooks.test', a: '127.0.0.1' }] : [],
      }),
    ],
    [
      'at a name in other letters',
      'xn--bcher-kva.test',
      type => ({ records: type === 'A' ? [{ a: '127.0.0.1' }] : [] }),
    ],
    [
      'although the name server fails for IPv6',
      'hooks.test',
      type => (type === 'A' ? { records: [{ a: '127.0.0.1' }] } : { code: 'SERVFAIL' }),
    ],
    [
      'although the name server does not know IPv6',
      'hooks.test',
      type => (type === 'A' ? { records: [{ a: '127.0.0.1' }] } : { code: 'NOTIMP' }),
    ],
  ])('%s', async (what, host, records) => {
    const authority = await createAuthority()
    const receiver = await startReceiver({ authority, names: [host] })
    answer = ({ type }) => records(type)
    const over = { extraCa: [{ pem: authority.caPem }], allowTarget: ['127.0.0.0/8'] }
    const exchange = await attempt(host, 5_000, over, receiver.port)
    expect(exchange).toMatchObject({ status: 204, failure: null, address: `127.0.0.1:${receiver.port}` })
    expect(server.questions.includes(`A ${host} TCP`)).toBe(what.includes('UDP'))
    await receiver.close()
  })
})
