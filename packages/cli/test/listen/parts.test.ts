/** The parts of `posthorn listen` that need no server. */
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FileInUse } from '../../src/file-lock.ts'
import { KeptOutcomes } from '../../src/listen/kept-outcomes.ts'
import { Keys, type Wish } from '../../src/listen/keys.ts'
import { defaultName, openState, uidOf } from '../../src/listen/names.ts'
import { Outcomes } from '../../src/listen/outcomes.ts'
import { RemainingTime } from '../../src/listen/remaining-time.ts'
import { ownReply, repliedWith } from '../../src/listen/reply.ts'
import { headersFor } from '../../src/listen/request-headers.ts'
import { ListenerState } from '../../src/listen/state.ts'
import { parseTarget } from '../../src/listen/target.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'posthorn-listen-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('what is forwarded to', () => {
  it.each([
    ['3000', 'http://localhost:3000/'],
    ['3000/hooks', 'http://localhost:3000/hooks'],
    [':3000/hooks?a=b', 'http://localhost:3000/hooks?a=b'],
    ['localhost:3000', 'http://localhost:3000/'],
    ['127.0.0.1:3000/x#y', 'http://127.0.0.1:3000/x'],
    ['[::1]:3000', 'http://[::1]:3000/'],
    ['https://app.test/hooks', 'https://app.test/hooks'],
  ])('%s is %s', (typed, url) => {
    expect(parseTarget(typed).href).toBe(url)
  })

  it.each(['', 'http://', 'ftp://a.test/', 'http://a:b@localhost/', '99999', 'a b', '/hooks', '0'])(
    '%j is refused with a sentence',
    typed => {
      expect(() => parseTarget(typed)).toThrow(/^.+\.$/)
    },
  )
})

describe('the headers that are forwarded', () => {
  const name = fc.stringMatching(/^[A-Za-z-]{1,12}$/)
  it('are the request’s own in their order, without those of a hop', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(name, fc.string())), pairs => {
        const own = pairs.filter(([each]) => !/^(connection|te|host|upgrade|trailer|expect)$/i.test(each))
        const sent = headersFor(new URL('http://localhost:3000/'), own, 7)
        expect(sent).toEqual(['Host', 'localhost:3000', ...own.flat(), 'Content-Length', '7'])
      }),
    )
    const hop = [
      ['Connection', 'close, X-Hop'],
      ['x-hop', '1'],
      ['Transfer-Encoding', 'chunked'],
      ['content-length', '9'],
      ['HOST', 'elsewhere'],
      ['webhook-id', 'evt_1'],
    ] as const
    expect(headersFor(new URL('http://a.test/'), hop, 2)).toEqual([
      'Host',
      'a.test',
      'webhook-id',
      'evt_1',
      'Content-Length',
      '2',
    ])
  })
})

describe('a reply', () => {
  it('has what the API takes of a response', () => {
    const many = Array.from({ length: 300 }, (_, at) => (at % 2 === 0 ? `x-${at}` : 'v'))
    const reply = repliedWith(
      200,
      [...many, 'Bad', 'a\u0000b'],
      { bytes: Buffer.from('é'.repeat(40_000)), isTruncated: false },
      3,
    )
    expect([reply.headers.length, reply.body.length, reply.isTruncated]).toEqual([100, 32_768, true])
    const long = repliedWith(
      200,
      ['a', 'x'.repeat(16_000), 'b', 'y'.repeat(500)],
      { bytes: new Uint8Array(), isTruncated: false },
      3,
    )
    expect(long.headers.map(([name]) => name)).toEqual(['a'])
    expect(repliedWith(999, [], { bytes: new Uint8Array(), isTruncated: false }, 1)).toMatchObject({
      kind: 'broken',
      status: 502,
    })
    // A character that would be cut in two is left out.
    const emoji = Buffer.from(`${'x'.repeat(32_767)}😀`)
    expect(repliedWith(200, [], { bytes: emoji, isTruncated: false }, 1).body.isWellFormed()).toBe(true)
  })
})

describe('keys', () => {
  const wishesOf = (text: string): Wish[] => new Keys().take(text)
  it('ask for what they stand for, and digits for a number', () => {
    expect(wishesOf('rFch?q').map(({ kind }) => kind)).toEqual([
      'replay_last',
      'replay_failed',
      'clear',
      'help',
      'help',
      'quit',
    ])
    expect(wishesOf('12\r')).toEqual([
      { kind: 'typed', digits: '1' },
      { kind: 'typed', digits: '12' },
      { kind: 'choose', number: 12 },
    ])
    expect(wishesOf('12\u007f3\n').at(-1)).toEqual({ kind: 'choose', number: 13 })
    expect(wishesOf('1x\r').at(-1)).toEqual({ kind: 'typed', digits: '' })
    expect(wishesOf('\u0003')).toEqual([{ kind: 'quit' }])
  })

  it('that are sent as sequences, such as arrows, ask for nothing', () => {
    expect(wishesOf('\u001b[A\u001b[1;5C\u001bOP\u001bq\u001b[3~')).toEqual([])
  })
})

describe('the time that a receiver has', () => {
  const at = (ms: number) => new Date(ms).toISOString()
  const requestAt = (ms: number) => ({ startedAt: at(ms), expiresAt: at(ms + 15_000) })
  it('is the attempt’s, less a second, however far the clocks are apart', () => {
    const remaining = new RemainingTime()
    expect(remaining.of(requestAt(0), 3_600_000)).toEqual({ attemptMs: 15_000, receiverMs: 14_000 })
    // One that was open for four seconds before it arrived.
    expect(remaining.of(requestAt(0), 3_604_000)).toEqual({ attemptMs: 11_000, receiverMs: 10_000 })
    // The clock was set an hour ahead, then back.
    expect(remaining.of(requestAt(60_000), 7_260_000).attemptMs).toBe(15_000)
    expect(remaining.of(requestAt(120_000), 120_050).attemptMs).toBe(15_000)
  })
})

describe('what a machine keeps of a listener', () => {
  const name = { url: 'http://localhost:8470', tenant: 'acme', uid: 'listen:a' }

  it('is for its user alone, and the same the next time', () => {
    const place = join(folder, 'kept')
    const first = ListenerState.open(place, name)
    first.registration = { endpoint: 'ep_1', signing: 'f' }
    first.close()
    const second = ListenerState.open(place, name)
    expect([second.secrets, second.registration]).toEqual([first.secrets, { endpoint: 'ep_1', signing: 'f' }])
    expect(statSync(place).mode & 0o077).toBe(0)
    second.close()
    const other = ListenerState.open(place, { ...name, tenant: 'zeta' })
    expect(other.secrets).not.toEqual(first.secrets)
    other.close()
  })

  it('is used by one process at a time; one without a name of its own takes the next', () => {
    const place = join(folder, 'locked')
    const server = { url: name.url, tenant: name.tenant }
    const first = openState(place, server, null)
    const second = openState(place, server, null)
    expect([first.uid, second.uid]).toEqual([uidOf(defaultName()), uidOf(`${defaultName()}-2`)])
    const named = openState(place, server, 'laptop')
    expect(() => openState(place, server, 'laptop')).toThrow(/listens as laptop\. Stop it, or choose another/)
    expect(() => ListenerState.open(place, { ...server, uid: named.uid })).toThrow(FileInUse)
    for (const each of [first, second, named]) each.close()
    openState(place, server, 'laptop').close()
  })

  it('is made for one run where nothing can be written', () => {
    const file = join(folder, 'file')
    writeFileSync(file, '')
    const state = openState(join(file, 'below'), { url: name.url, tenant: name.tenant }, 'laptop')
    expect([state.isKept, state.uid]).toEqual([false, 'listen:laptop'])
    expect(state.secrets.signingSecret).toMatch(/^whsec_/)
  })

  it.each(['', 'a b', '/', 'ü', 'x'.repeat(101)])('has no name %j', wrong => {
    expect(() => uidOf(wrong)).toThrow(/can't be used/)
  })

  it('has a default name that can be a uid', () => {
    expect(uidOf(defaultName())).toMatch(/^listen:[\w.@-]+$/)
  })
})

describe('the outcomes that outlive the process', () => {
  const outcome = (status: number) => ({ status, durationMs: 5 })

  it('are those that the server might not have, whatever the file has lost at its end', () => {
    const path = join(folder, 'outcomes')
    const log = new KeptOutcomes(path)
    log.add('dlv_1', 1, outcome(200))
    log.add('dlv_2', 3, outcome(500))
    log.remove('dlv_1')
    log.add('dlv_3', 1, outcome(204))
    appendFileSync(path, '["dlv_4",1,20')
    // Without closing it, as after a kill.
    expect([...new KeptOutcomes(path).left]).toEqual([
      ['dlv_2', { attempt: 3, outcome: outcome(500) }],
      ['dlv_3', { attempt: 1, outcome: outcome(204) }],
    ])
    writeFileSync(path, 'nonsense\n{}\n[1]\n')
    expect([...new KeptOutcomes(path).left]).toEqual([])
  })

  it('are in the file at every moment, also while it is written again', () => {
    const path = join(folder, 'rewritten')
    const log = new KeptOutcomes(path)
    log.add('dlv_1', 1, outcome(200))
    // What a reader has open is what a process leaves that ends in the middle.
    const before = openSync(path, 'r')
    log.close()
    expect(readFileSync(before, 'utf8')).toBe('["dlv_1",1,200,5]\n')
    closeSync(before)
    expect([...new KeptOutcomes(path).left.keys()]).toEqual(['dlv_1'])
    expect(existsSync(`${path}.new`)).toBe(false)
  })

  it('stay few and small, however many there are', () => {
    const path = join(folder, 'many')
    const log = new KeptOutcomes(path)
    for (let at = 0; at < 12_000; at++) {
      log.add(`dlv_${at}`, 1, outcome(204))
      if (at % 2 === 0) log.remove(`dlv_${at}`)
    }
    expect(statSync(path).size).toBeLessThan(300 * 1024)
    expect(log.left.size).toBe(2_000)
    log.close()
    expect(readFileSync(path, 'utf8').split('\n').length).toBe(2_001)
    expect([...new KeptOutcomes(path).left.keys()].at(-1)).toBe('dlv_11999')
  })

  it('are noted before a request is answered, and forgotten when the server has them', async () => {
    const log = new KeptOutcomes(join(folder, 'noted'))
    const outcomes = new Outcomes(log)
    const key = { delivery: 'dlv_1', attempt: 2 }
    const { promise, resolve } = Promise.withResolvers<ReturnType<typeof ownReply>>()
    outcomes.begin(key, promise)
    expect([outcomes.find(key)?.attempt, log.left.size]).toEqual([2, 0])
    resolve(ownReply('shown', 200, 'x', 1))
    expect(await outcomes.find(key)!.outcome).toMatchObject({ status: 200 })
    expect(log.left.get('dlv_1')).toMatchObject({ attempt: 2 })
    outcomes.settle(key, outcome(200))
    expect([log.left.size, outcomes.find(key)?.attempt]).toEqual([0, 2])
  })
})
