import { describe, expect, it } from 'vitest'
import { HostWindows } from '../../src/engine/host-windows.ts'

const TIMEOUT_MS = 5_000
const windows = (most = 128) => new HostWindows(most, TIMEOUT_MS)

describe("a host's window", () => {
  it('is the maximum as long as connections are ready in time', () => {
    const all = windows()
    all.noteResponse('a')
    expect(all.of('a')).toBe(128)
  })

  it('halves at a timeout, once for all requests that were in flight, and only that of the host', () => {
    const all = windows()
    for (let at = 0; at < 128; at++) all.noteTimeout('a', 10_000 + at)
    expect([all.of('a'), all.of('b')]).toEqual([64, 128])
    all.noteTimeout('a', 10_000 + TIMEOUT_MS)
    expect(all.of('a')).toBe(32)
  })

  it('never becomes so small that a dead host is hardly tried at all', () => {
    const [large, small] = [windows(), windows(3)]
    for (let at = 1; at < 100; at++) for (const all of [large, small]) all.noteTimeout('a', at * TIMEOUT_MS)
    expect([large.of('a'), small.of('a')]).toEqual([16, 3])
  })

  it('grows by one for each window of responses, up to the maximum', () => {
    const all = windows(66)
    all.noteTimeout('a', 1)
    const sizes = [33, 34, 35].map(expected => {
      const size = all.of('a')
      for (let at = 0; at < expected; at++) all.noteResponse('a')
      return size
    })
    expect(sizes).toEqual([33, 34, 35])
    for (let at = 0; at < 66 * 66; at++) all.noteResponse('a')
    expect(all.of('a')).toBe(66)
  })

  it('is kept for a limited number of hosts', () => {
    const all = windows()
    for (let at = 0; at < 10_001; at++) all.noteTimeout(`host${at}`, 1)
    expect([all.of('host0'), all.of('host1'), all.of('host10000')]).toEqual([128, 64, 64])
  })
})
