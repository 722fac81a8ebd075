import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type NameQuestion, type NameReply, type NameServer, startNameServer } from '@posthorn/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { Connections } from '../../../src/engine/attempt/connections.ts'
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

async function attempt(host: string, connectTimeoutMs = 5_000) {
  const policy = { dev: false, targetPorts: [{ first: 1, last: 65_535 }], allowTarget: [] }
  const settings = { ...policy, proxy: null, connectTimeoutMs, maxInFlightPerHost: 128, extraCa: [] }
  const connections = new Connections(settings, systemClock, names.resolve)
  const route = { origin: `https://${host}:8443`, tenant: 'acme', identity: null }
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
