import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import {
  guardedLookup,
  POSTHORN_TARGET_REFUSED,
  type Resolver,
  resolveTarget,
  TargetRefusedError,
} from '../../src/guard/lookup.ts'
import { CONTRACT_PORTS } from '../../src/guard/ports.ts'
import type { TargetPolicy } from '../../src/guard/target.ts'

const STRICT: TargetPolicy = { dev: false, targetPorts: CONTRACT_PORTS, allowTarget: [] }
const DEV: TargetPolicy = { ...STRICT, dev: true }

/** A name server that always returns these addresses, and records its queries in `asked`. */
function answering(...addresses: string[]): Resolver & { asked: { hostname: string; all: boolean }[] } {
  const asked: { hostname: string; all: boolean }[] = []
  const resolver: Resolver = (hostname, options, callback) => {
    asked.push({ hostname, all: options.all })
    const answers = addresses.map(address => ({ address, family: address.includes(':') ? 6 : 4 }))
    process.nextTick(() => callback(null, answers))
  }
  return Object.assign(resolver, { asked })
}

const failing =
  (code: string): Resolver =>
  (_hostname, _options, callback) =>
    process.nextTick(() => callback(Object.assign(new Error(code), { code }), []))

function look(lookup: ReturnType<typeof guardedLookup>, hostname: string, all: boolean) {
  return new Promise<{ error: NodeJS.ErrnoException | null; address: unknown; family: unknown }>(resolve => {
    lookup(hostname, { all }, (error, address, family) => resolve({ error, address, family }))
  })
}

const BAD_ANSWERS: readonly [bad: string, answers: string[]][] = [
  ['127.0.0.1', ['127.0.0.1']],
  ['10.0.0.1', ['8.8.8.8', '10.0.0.1']],
  ['10.0.0.1', ['10.0.0.1', '8.8.8.8']],
  ['169.254.169.254', ['8.8.8.8', '8.8.4.4', '169.254.169.254', '1.1.1.1']],
  ['::1', ['2606:4700::1111', '::1']],
  ['::ffff:8.8.8.8', ['8.8.8.8', '::ffff:8.8.8.8']],
  ['64:ff9b::a00:1', ['64:ff9b::808:808', '64:ff9b::a00:1']],
  ['64:ff9b:1::808:808', ['8.8.8.8', '64:ff9b:1::808:808']],
  ['2002:808:808::1', ['8.8.8.8', '2002:808:808::1']],
  ['fe80::1%eth0', ['8.8.8.8', 'fe80::1%eth0']],
  ['0.0.0.0', ['0.0.0.0']],
  ['', ['8.8.8.8', '']],
]

describe('resolveTarget', () => {
  it.each(BAD_ANSWERS)('C3: refuses a name because of the address %j among %j', async (bad, answers) => {
    const resolution = await resolveTarget('example.com', STRICT, answering(...answers))
    expect(resolution).toEqual({ refused: expect.any(String), address: bad })
  })

  it('C3: returns all addresses of a name if all are public', async () => {
    const resolution = await resolveTarget('example.com', STRICT, answering('8.8.8.8', '2606:4700::1111'))
    expect(resolution).toEqual({ addresses: ['8.8.8.8', '2606:4700::1111'] })
  })

  it('C3: takes what a DNS64 makes up for a public IPv4 address', async () => {
    expect(await resolveTarget('example.com', STRICT, answering('64:ff9b::808:808'))).toHaveProperty('addresses')
    const own = { ...STRICT, nat64Prefix: ['fd64:ff9b::/96'] }
    expect(await resolveTarget('example.com', own, answering('fd64:ff9b::808:808'))).toHaveProperty('addresses')
    expect(await resolveTarget('example.com', own, answering('fd64:ff9b::a00:1'))).toHaveProperty('refused')
    expect(await resolveTarget('example.com', STRICT, answering('fd64:ff9b::808:808'))).toHaveProperty('refused')
  })

  it('C3: distinguishes a name that does not resolve from a refused one', async () => {
    const unresolved = (code: string) => ({ unresolved: true, code })
    expect(await resolveTarget('example.com', STRICT, failing('ENOTFOUND'))).toEqual(unresolved('ENOTFOUND'))
    expect(await resolveTarget('example.com', STRICT, failing('EAI_AGAIN'))).toEqual(unresolved('EAI_AGAIN'))
    expect(await resolveTarget('example.com', STRICT, answering())).toEqual(unresolved('ENOTFOUND'))
    const throwing: Resolver = () => {
      throw new TypeError('a name that the resolver does not accept')
    }
    expect(await resolveTarget('example.com', STRICT, throwing)).toEqual(unresolved('EAI_FAIL'))
  })

  it('C3: checks a host that is an address without a name server', async () => {
    const resolver = answering('8.8.8.8')
    expect(await resolveTarget('10.0.0.1', STRICT, resolver)).toEqual({ refused: 'private use', address: '10.0.0.1' })
    expect(await resolveTarget('2606:4700::1111', STRICT, resolver)).toEqual({ addresses: ['2606:4700::1111'] })
    expect(resolver.asked).toEqual([])
  })

  it('C3: allows localhost only in development mode, and only for loopback', async () => {
    expect(await resolveTarget('localhost', DEV, answering('::1', '127.0.0.1'))).toEqual({
      addresses: ['::1', '127.0.0.1'],
    })
    expect(await resolveTarget('localhost', STRICT, answering('127.0.0.1'))).toHaveProperty('refused')
    expect(await resolveTarget('a.localhost', DEV, answering('127.0.0.1', '8.8.8.8'))).toHaveProperty('refused')
    expect(await resolveTarget('rebind.example.com', DEV, answering('127.0.0.1'))).toHaveProperty('refused')
  })
})

describe('guardedLookup', () => {
  it.each(BAD_ANSWERS)('C3: passes no address to the socket if %j is among %j', async (bad, answers) => {
    for (const all of [true, false]) {
      const { error, address } = await look(guardedLookup(STRICT, answering(...answers)), 'example.com', all)
      expect(error).toBeInstanceOf(TargetRefusedError)
      expect(error).toMatchObject({ code: POSTHORN_TARGET_REFUSED, address: bad })
      expect(address).toEqual([])
    }
  })

  it('C3: returns one address or all, as requested, but always looks up all', async () => {
    const resolver = answering('2606:4700::1111', '8.8.8.8')
    const lookup = guardedLookup(STRICT, resolver)
    expect(await look(lookup, 'example.com', true)).toEqual({
      error: null,
      address: [
        { address: '2606:4700::1111', family: 6 },
        { address: '8.8.8.8', family: 4 },
      ],
      family: undefined,
    })
    expect(await look(lookup, 'example.com', false)).toEqual({ error: null, address: '2606:4700::1111', family: 6 })
    expect(resolver.asked.map(question => question.all)).toEqual([true, true])
  })

  it('C3: checks each lookup again, so a name that starts to resolve to a refused address is refused', async () => {
    let answers = ['8.8.8.8']
    const resolver: Resolver = (hostname, options, callback) => answering(...answers)(hostname, options, callback)
    const lookup = guardedLookup(STRICT, resolver)
    expect((await look(lookup, 'example.com', true)).error).toBeNull()
    answers = ['127.0.0.1']
    expect((await look(lookup, 'example.com', true)).error).toMatchObject({ code: POSTHORN_TARGET_REFUSED })
  })

  it('C3: passes on failures of the resolver, and treats an empty result as one', async () => {
    expect((await look(guardedLookup(STRICT, failing('EAI_AGAIN')), 'a.com', true)).error).toMatchObject({
      code: 'EAI_AGAIN',
    })
    expect((await look(guardedLookup(STRICT, answering()), 'a.com', false)).error).toMatchObject({ code: 'ENOTFOUND' })
  })
})

describe('guardedLookup on a real socket', () => {
  const server = createServer((_request, response) => response.end())
  afterEach(() => server.close())

  it('C3: prevents a refused connection, and allows a permitted one', async () => {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const lookup = (policy: TargetPolicy) => guardedLookup(policy, answering('127.0.0.1')) as never

    const refused = connect({ host: 'rebind.example.com', port, lookup: lookup(DEV) })
    const [error] = await once(refused, 'error').catch(reason => [reason])
    expect(error).toMatchObject({ code: POSTHORN_TARGET_REFUSED, address: '127.0.0.1' })

    const open = connect({ host: 'a.localhost', port, lookup: lookup(DEV) })
    await once(open, 'connect')
    expect(open.remoteAddress).toBe('127.0.0.1')
    open.destroy()
  })

  it('C3: an allowed network does not open a listener on the IPv4 address embedded in it', async () => {
    const sockets: unknown[] = []
    const listener = createTcpServer(socket => sockets.push(socket.end())).listen(0, '127.0.0.1')
    await once(listener, 'listening')
    const { port } = listener.address() as AddressInfo
    const open = (...allowTarget: string[]) => {
      const lookup = guardedLookup({ ...STRICT, allowTarget }, answering('::ffff:127.0.0.1')) as never
      return connect({ host: 'mapped.example.com', port, lookup })
    }
    const [error] = await once(open('::ffff:0:0/96'), 'error').catch(reason => [reason])
    expect(error).toMatchObject({ code: POSTHORN_TARGET_REFUSED, reason: expect.stringContaining('loopback') })
    expect(sockets).toHaveLength(0)
    // The address does lead there: this socket reaches the listener, because the IPv4 address is allowed too.
    const reached = open('::ffff:0:0/96', '127.0.0.0/8')
    await once(reached, 'connect')
    reached.destroy()
    listener.close()
  })

  it('C3: uses the system resolver if none is given', async () => {
    expect(await look(guardedLookup(STRICT), 'localhost', true)).toMatchObject({
      error: { code: POSTHORN_TARGET_REFUSED },
    })
    expect(await resolveTarget('localhost', DEV)).toHaveProperty('addresses')
  })
})
