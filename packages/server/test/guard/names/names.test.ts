import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type NameQuestion, type NameReply, type NameServer, startNameServer } from '@posthorn/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { guardedLookup } from '../../../src/guard/lookup.ts'
import { Names } from '../../../src/guard/names/names.ts'
import { HandClock } from '../../hand-clock.ts'

const FILES = ['nsswitch', 'resolvConf', 'hosts', 'gaiConf'] as const
/** How long changed files can go unnoticed. */
const NOTICED_MS = 1_000

let folder: string
let server: NameServer
let clock: HandClock
let names: Names
/** Replaced by tests. Names that begin with `dead` never get a response. */
let answer: (question: NameQuestion) => NameReply

const ADDRESS = '192.0.2.1'
const usual = ({ name, type }: NameQuestion): NameReply =>
  name.startsWith('dead') ? 'silent' : { records: type === 'A' ? [{ a: ADDRESS, ttl: 60 }] : [] }

const write = (file: (typeof FILES)[number], text: string) => writeFile(join(folder, file), text)

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'posthorn-names-'))
  await write('nsswitch', 'hosts: files dns\n')
  await write('resolvConf', 'nameserver 127.0.0.1\n')
  await write('hosts', '')
  answer = usual
  server = await startNameServer({ answer: question => answer(question) })
  clock = new HandClock()
  const path = (file: string) => join(folder, file)
  const paths = { nsswitch: path('nsswitch'), resolvConf: path('resolvConf'), hosts: path('hosts'), gaiConf: path('x') }
  names = new Names(clock, { paths, port: server.port })
})
afterEach(async () => {
  names.close()
  await server.close()
  await rm(folder, { recursive: true })
})

/** The addresses, or the error's code. */
const ask = (name: string, tenant = 'acme', signal?: AbortSignal) =>
  new Promise<string[] | string>(resolve => {
    const options = { all: true, tenant, ...(signal === undefined ? {} : { signal }) } as const
    names.resolve(name, options, (error, found) =>
      resolve(error ? String(error.code) : found.map(({ address }) => address)),
    )
  })

const asked = (name: string) => server.questions.filter(question => question.endsWith(` ${name}`)).length

/** Asks for this many dead names. They wait until `end` is called. */
function hang(count: number, tenant = 'acme', from = 0) {
  const controller = new AbortController()
  const all = Array.from({ length: count }, (_, index) => ask(`dead${from + index}.test`, tenant, controller.signal))
  return { all: Promise.all(all), end: () => controller.abort() }
}

describe('an answer', () => {
  it('is shared by everyone who asks in the meantime', async () => {
    const all = await Promise.all(Array.from({ length: 50 }, (_, index) => ask('a.test', `tenant${index}`)))
    expect(all).toEqual(Array(50).fill([ADDRESS]))
    expect(server.questions.toSorted()).toEqual(['A a.test', 'AAAA a.test'])
  })

  it('is kept for its time to live', async () => {
    await ask('a.test')
    clock.turn(59_000)
    expect(await ask('A.Test', 'other')).toEqual([ADDRESS])
    expect(asked('a.test')).toBe(2)
    clock.turn(1_000)
    expect(await ask('a.test')).toEqual([ADDRESS])
    expect(asked('a.test')).toBe(4)
  })

  it('is not kept if its time to live is zero, and at most for five minutes', async () => {
    answer = ({ name }) => ({ records: [{ a: ADDRESS, ttl: name === 'zero.test' ? 0 : 1_000_000 }] })
    for (const name of ['zero.test', 'zero.test', 'long.test', 'long.test']) await ask(name)
    expect([asked('zero.test'), asked('long.test')]).toEqual([4, 2])
    clock.turn(300_000)
    await ask('long.test')
    expect(asked('long.test')).toBe(4)
  })

  it('that there is none is kept for a moment', async () => {
    answer = ({ name }) => ({ code: name.startsWith('broken') ? 'SERVFAIL' : 'NXDOMAIN' })
    expect([await ask('no.test'), await ask('broken.test')]).toEqual(['ENOTFOUND', 'EAI_AGAIN'])
    const before = server.questions.length
    clock.turn(1_999)
    expect([await ask('no.test'), await ask('broken.test')]).toEqual(['ENOTFOUND', 'EAI_AGAIN'])
    expect(server.questions).toHaveLength(before)
    answer = usual
    clock.turn(1)
    expect([await ask('no.test'), await ask('broken.test')]).toEqual([[ADDRESS], [ADDRESS]])
  })

  it('does not wait long for the family that the server ignores', async () => {
    answer = question => (question.type === 'AAAA' ? 'silent' : usual(question))
    const asking = ask('a.test')
    await expect.poll(() => clock.waits).toContain(1_000)
    clock.turn(1_000)
    expect(await asking).toEqual([ADDRESS])
  })

  it('has 32 addresses at most, of both families, and is kept although there were more', async () => {
    const many = (type: string) =>
      Array.from({ length: 100 }, (_, nth) =>
        type === 'A' ? { a: `192.0.2.${nth}` } : { aaaa: `2001:db8:0:0:0:0:0:${nth}` },
      )
    answer = ({ name, type }) => ({ records: name === 'one.test' && type !== 'A' ? [] : many(type) })
    const found = await ask('a.test')
    expect(found).toHaveLength(32)
    expect((found as string[]).filter(each => each.includes(':'))).toHaveLength(16)
    expect(await ask('a.test', 'other')).toEqual(found)
    expect(asked('a.test')).toBe(2)
    const first = Array.from({ length: 32 }, (_, nth) => `192.0.2.${nth}`)
    expect(((await ask('one.test')) as string[]).toSorted()).toEqual(first.toSorted())
  })

  it('uses no address that the guard has not judged, however many there are', async () => {
    const records = Array.from({ length: 200 }, (_, nth) => ({ a: nth === 20 ? '10.0.0.1' : `8.8.4.${nth}` }))
    answer = ({ type }) => ({ records: type === 'A' ? records : [] })
    const judged = new Set<string>()
    const lookup = guardedLookup({ dev: false, targetPorts: [], allowTarget: [] }, (name, options, callback) =>
      names.resolve(name, options, (error, found) => {
        for (const { address } of found) judged.add(address)
        callback(error, found)
      }),
    )
    const ofName = () =>
      new Promise<unknown>(resolve => lookup('a.test', { all: true }, (error, found) => resolve(error?.code ?? found)))
    expect(await ofName()).toBe('POSTHORN_TARGET_REFUSED')
    expect(judged.size).toBe(32)
    records[20] = { a: '8.8.4.20' }
    records[150] = { a: '10.0.0.1' }
    clock.turn(300_000)
    const found = (await ofName()) as { address: string }[]
    expect(found).toHaveLength(32)
    expect(found.map(({ address }) => address)).not.toContain('10.0.0.1')
  })

  it('passes the guard whether it was kept or not', async () => {
    answer = ({ type }) => ({ records: type === 'A' ? [{ a: '203.0.113.5' }, { a: '10.0.0.1' }] : [] })
    const policy = { dev: false, targetPorts: [], allowTarget: [] }
    const lookup = guardedLookup(policy, names.resolve)
    for (let count = 0; count < 2; count++) {
      const code = await new Promise(resolve => lookup('a.test', { all: true }, error => resolve(error?.code)))
      expect(code).toBe('POSTHORN_TARGET_REFUSED')
    }
    expect(server.questions).toHaveLength(2)
  })
})

describe('a look-up', () => {
  it('ends with its attempt', async () => {
    const { all, end } = hang(5)
    expect(names.state.running).toBe(5)
    end()
    expect(await all).toEqual(Array(5).fill('EAI_AGAIN'))
    await expect.poll(() => names.state).toMatchObject({ running: 0, askers: 0 })
  })

  it('goes on for the others that wait for it', async () => {
    const { promise: mayAnswer, resolve: go } = Promise.withResolvers<void>()
    const controller = new AbortController()
    answer = () => 'silent'
    const [first, second] = [ask('a.test', 'acme', controller.signal), ask('a.test', 'other')]
    await expect.poll(() => asked('a.test')).toBe(2)
    controller.abort()
    expect(await first).toBe('EAI_AGAIN')
    answer = usual
    go()
    await mayAnswer
    // c-ares asks again.
    expect(await second).toEqual([ADDRESS])
  })

  it('that has not begun never begins once no one waits for it', async () => {
    const { all, end } = hang(40)
    end()
    await all
    await expect.poll(() => names.state.running).toBe(0)
    expect(new Set(server.questions).size).toBeLessThanOrEqual(32)
  })
})

describe('a tenant with dead names', () => {
  it("has 16 look-ups under way, and doesn't delay another tenant", async () => {
    const { all, end } = hang(400)
    expect(names.state.running).toBe(16)
    expect(await ask('a.test', 'other')).toEqual([ADDRESS])
    expect(names.state.running).toBe(16)
    end()
    await all
  })

  it("doesn't delay another tenant that needs a name in its queue", async () => {
    const { all, end } = hang(400)
    const waiting = ask('wanted.test')
    expect(await ask('wanted.test', 'other')).toEqual([ADDRESS])
    expect(await waiting).toEqual([ADDRESS])
    end()
    await all
  })

  it('reaches its other names: those that hung before leave them room', async () => {
    for (let from = 0; from < 64; from += 16) {
      const { all, end } = hang(16, 'acme', from)
      await expect.poll(() => names.state.running).toBe(16)
      clock.turn(5_000)
      end()
      await all
      await expect.poll(() => names.state.running).toBe(0)
    }
    clock.turn(5_000)
    const { all, end } = hang(64)
    expect(names.state.running).toBe(4)
    expect(await ask('a.test')).toEqual([ADDRESS])
    end()
    await all
  })

  it('evicts only its own names', async () => {
    await ask('theirs.test', 'other')
    await ask('first.test')
    for (let index = 0; index < 1_000; index++) await ask(`n${index}.test`)
    await Promise.all([ask('theirs.test'), ask('n999.test'), ask('first.test')])
    expect([asked('theirs.test'), asked('n999.test'), asked('first.test')]).toEqual([2, 2, 4])
  })
})

describe('a change is noticed without a restart', () => {
  it('of hosts', async () => {
    expect(await ask('a.test')).toEqual([ADDRESS])
    await write('hosts', '192.0.2.99 a.test\n')
    clock.turn(NOTICED_MS)
    expect(await ask('a.test')).toEqual(['192.0.2.99'])
    await write('hosts', '')
    clock.turn(NOTICED_MS)
    expect(await ask('a.test')).toEqual([ADDRESS])
  })

  it('of resolv.conf', async () => {
    answer = ({ name, type }) =>
      name === 'short.two.test' && type === 'A' ? { records: [{ a: ADDRESS }] } : { code: 'NXDOMAIN' }
    await write('resolvConf', 'nameserver 127.0.0.1\nsearch one.test\n')
    expect(await ask('short')).toBe('ENOTFOUND')
    await write('resolvConf', 'nameserver 127.0.0.1\nsearch two.test\n')
    clock.turn(NOTICED_MS)
    expect(await ask('short')).toEqual([ADDRESS])
  })

  it('of nsswitch.conf: only then is the system resolver started, in a process of its own', async () => {
    await write('hosts', '192.0.2.99 localhost\n')
    expect(await ask('localhost')).toEqual(['192.0.2.99'])
    expect(names.state.systemPid).toBeNull()
    await write('nsswitch', 'hosts: files myhostname dns\n')
    clock.turn(NOTICED_MS)
    // It reads the machine's own files.
    expect(await ask('localhost')).toContain('127.0.0.1')
    expect(names.state.systemPid).toBeGreaterThan(0)
    await write('nsswitch', 'hosts: files\n')
    clock.turn(NOTICED_MS)
    expect(await ask('localhost')).toEqual(['192.0.2.99'])
    expect(names.state.systemPid).toBeNull()
  })
})

describe('the process of the system resolver', () => {
  it('is replaced when it ends', async () => {
    await write('nsswitch', 'hosts: files myhostname dns\n')
    expect(await ask('localhost')).toContain('127.0.0.1')
    const before = names.state.systemPid!
    process.kill(before, 'SIGKILL')
    await expect.poll(() => isAlive(before)).toBe(false)
    clock.turn(60_000)
    expect(await ask('localhost')).toContain('127.0.0.1')
    expect(names.state.systemPid).not.toBe(before)
  })
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
