import { describe, expect, it } from 'vitest'
import { FailedAuthentications } from '../../src/api/http/failed-authentications.ts'
import { CountedLines } from '../../src/base/counted-lines.ts'
import { createLogger } from '../../src/base/logger.ts'
import { parseNetwork } from '../../src/guard/address.ts'
import { HandClock } from '../hand-clock.ts'
import { useApi } from './setup.ts'

const bench = useApi()

function start() {
  const clock = new HandClock()
  const logClock = new HandClock()
  const lines: string[] = []
  const { logger } = createLogger({ level: 'info', stdout: { write: line => lines.push(line) } })
  const failures = new FailedAuthentications(clock, new CountedLines(logger, logClock))
  /** Fails a number of times, and returns how many responses were sent without delay. */
  const fail = (times: number, address = '192.0.2.1') => {
    let answered = 0
    const answer = () => answered++
    const close = () => closed++
    for (let at = 0; at < times; at++) failures.add(address, () => answer(), close)
    return answered
  }
  let closed = 0
  return { clock, logClock, lines, failures, fail, closed: () => closed }
}

describe('failed authentications', () => {
  it('are delayed more and more after the tenth within a minute, by up to five seconds', () => {
    const { clock, fail, failures } = start()
    expect(fail(10)).toBe(10)
    expect(fail(8)).toBe(0)
    expect(clock.waits).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000])
    clock.turn(5_000)
    expect(clock.waits).toEqual([])
    expect(failures.total).toBe(18)
    clock.turn(60_000)
    expect(fail(10)).toBe(10)
  })

  it('of one address delay no other address, except those in the same IPv6 network', () => {
    const { fail } = start()
    fail(20)
    expect(fail(10, '192.0.2.2')).toBe(10)
    fail(20, '2001:db8:1:2::1')
    expect(fail(1, '2001:db8:1:2:ffff::9')).toBe(0)
    expect(fail(1, '2001:db8:1:3::1')).toBe(1)
  })

  it('take bounded memory: the addresses that failed longest ago are forgotten', () => {
    const { fail } = start()
    fail(11)
    for (let at = 0; at < 10_000; at++) fail(1, `10.1.${at >> 8}.${at & 255}`)
    expect(fail(1)).toBe(1)
  })

  it('close the connection while a hundred of the address or two thousand in total are delayed', () => {
    const { fail, clock, closed } = start()
    expect(fail(10 + 100 + 900)).toBe(10)
    expect([clock.waits.length, closed()]).toEqual([100, 900])
    expect(fail(1, '192.0.2.2')).toBe(1)
    for (let at = 0; at < 30; at++) fail(110, `198.51.100.${at}`)
    expect(clock.waits.length).toBe(2_000)
    clock.turn(5_000)
    expect(clock.waits).toEqual([])
    expect(fail(1)).toBe(0)
    expect(clock.waits).toEqual([5_000])
  })

  it('are logged at most once a second, with the address and the number of failures', () => {
    const { logClock, lines, fail } = start()
    fail(5)
    expect(lines).toHaveLength(1)
    logClock.turn(1_000)
    // What came after the first line is logged, whether or not there are more.
    expect(lines.map(line => JSON.parse(line))).toMatchObject([
      { address: '192.0.2.1', fromAddress: 1, count: 1 },
      { address: '192.0.2.1', fromAddress: 5, count: 4 },
    ])
  })

  it('all get their responses at shutdown', () => {
    const { failures, clock } = start()
    let answered = 0
    for (let at = 0; at < 20; at++)
      failures.add(
        '192.0.2.1',
        () => answered++,
        () => {},
      )
    failures.release()
    expect([answered, clock.waits]).toEqual([20, []])
  })
})

/** When the log's next line about failures can come. */
const NEXT_LINE_MS = 1_000

describe('guessing API keys', () => {
  it('becomes slow, while the right key is never delayed and a call without a key is not a guess', async () => {
    const clock = new HandClock()
    await bench.useServices({}, { clock })
    for (let at = 0; at < 20; at++) expect((await bench.get('/v1/tenants', { key: null })).status).toBe(401)
    for (let at = 0; at < 10; at++) expect((await bench.get('/v1/tenants', { key: `wrong${at}` })).status).toBe(401)
    const late = [bench.get('/v1/tenants', { key: 'wrong' }), bench.get('/v1/%zz', { key: 'wrong' })]
    await expect.poll(() => clock.waits, { timeout: 10_000 }).toEqual([NEXT_LINE_MS, 100, 200])
    expect((await bench.get('/v1/tenants')).status).toBe(200)
    expect(clock.waits).toEqual([NEXT_LINE_MS, 100, 200])
    clock.turn(200)
    expect((await Promise.all(late)).map(({ status }) => status)).toEqual([401, 401])
    expect(bench.failedAuthentications()).toBe(12)
    expect(bench.log.join('')).not.toContain('wrong')
  })

  it('is counted by the address that a trusted proxy reports', async () => {
    const clock = new HandClock()
    await bench.useServices({}, { clock, trustedProxies: [parseNetwork('127.0.0.0/8')!] })
    const guess = (address: string) =>
      bench.get('/v1/tenants', { key: 'wrong', headers: { 'x-forwarded-for': `203.0.113.9, ${address}` } })
    for (let at = 0; at < 10; at++) await guess('192.0.2.1')
    const late = guess('192.0.2.1')
    await expect.poll(() => clock.waits, { timeout: 10_000 }).toEqual([NEXT_LINE_MS, 100])
    expect((await guess('192.0.2.2')).status).toBe(401)
    clock.turn(100)
    expect((await late).status).toBe(401)
  })
})
