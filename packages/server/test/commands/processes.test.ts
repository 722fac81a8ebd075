import { describe, expect, it } from 'vitest'
import type { Clock } from '../../src/base/clock.ts'
import { Processes, type ServingProcess } from '../../src/commands/processes.ts'

type Child = {
  readonly signals: string[]
  readonly listen: () => void
  readonly end: (code: number | null, signal?: string) => void
}

/** A parent whose children and clock the test controls. */
function stage(count: number) {
  let nowMs = 0
  const timers: { atMs: number; fire: () => void }[] = []
  const clock: Clock = {
    now: () => nowMs,
    monotonicMs: () => nowMs,
    after(delayMs, fire) {
      timers.push({ atMs: nowMs + delayMs, fire })
      return { cancel: () => {} }
    },
  }
  const advance = (ms: number) => {
    nowMs += ms
    for (const due of timers.filter(({ atMs }) => atMs <= nowMs)) timers.splice(timers.indexOf(due), 1)[0]!.fire()
  }
  const children: Child[] = []
  const fork = (): ServingProcess => {
    const signals: string[] = []
    let listen = () => {}
    let end: Child['end'] = () => {}
    children.push({ signals, listen: () => listen(), end: (code, signal) => end(code, signal) })
    return {
      pid: children.length,
      kill: signal => void signals.push(signal),
      onListening: react => {
        listen = react
      },
      onEnd: react => {
        end = (code, signal = 'SIGKILL') => react(code, code === null ? signal : null)
      },
    }
  }
  const log = { warn: () => {}, error: () => {} }
  const processes = new Processes({ count, fork, clock, log, stopTimeoutMs: 1_000, crashCode: 70 })
  const codes: number[] = []
  void processes.run().then(code => codes.push(code))
  return { processes, children, advance, codes, settle: () => new Promise(resolve => setImmediate(resolve)) }
}

describe('processes', () => {
  it('starts the first process alone, and the others once it listens', () => {
    const { children } = stage(3)
    expect(children.length).toBe(1)
    children[0]!.listen()
    expect(children.length).toBe(3)
    children[1]!.listen()
    expect(children.length).toBe(3)
  })

  it.each([
    [1, 1],
    [2, 2],
    [null, 70],
  ])('a first process that ends with %s before it listens ends the parent with %s', async (code, expected) => {
    const { children, codes, settle, advance } = stage(3)
    children[0]!.end(code)
    advance(60_000)
    await settle()
    expect([codes, children.length]).toEqual([[expected], 1])
  })

  it('replaces a process that ended, after a pause that doubles until a process lives for a minute', () => {
    const { children, advance } = stage(1)
    children[0]!.listen()
    const pauses = [500, 1_000, 2_000]
    for (const pauseMs of pauses) {
      const before = children.length
      children.at(-1)!.end(null)
      advance(pauseMs - 1)
      expect(children.length).toBe(before)
      advance(1)
      expect(children.length).toBe(before + 1)
      children.at(-1)!.listen()
    }
    advance(60_000)
    const before = children.length
    children.at(-1)!.end(70)
    advance(500)
    expect(children.length).toBe(before + 1)
  })

  it('keeps starting new processes while another one listens', async () => {
    const { children, codes, advance, settle } = stage(2)
    children[0]!.listen()
    children[1]!.listen()
    children[1]!.end(1)
    for (let at = 0; at < 8; at++) {
      advance(30_000)
      children.at(-1)!.end(1)
    }
    await settle()
    expect(codes).toEqual([])
  })

  it('gives up with the code of the last process if none listens and five in a row fail to start', async () => {
    const { children, codes, advance, settle } = stage(1)
    children[0]!.listen()
    children[0]!.end(70)
    for (let failed = 0; failed < 5; failed++) {
      await settle()
      expect(codes).toEqual([])
      advance(30_000)
      children.at(-1)!.end(1)
    }
    await settle()
    expect(codes).toEqual([1])
  })

  it('a shutdown signals each process once, replaces none, and ends with 0 when all have drained', async () => {
    const { processes, children, codes, advance, settle } = stage(2)
    children[0]!.listen()
    processes.stop('SIGTERM')
    processes.stop('SIGINT')
    expect(children.map(({ signals }) => signals)).toEqual([['SIGTERM'], ['SIGTERM']])
    children[0]!.end(0)
    // It ended before it could handle signals.
    children[1]!.end(null, 'SIGTERM')
    advance(900)
    await settle()
    expect([codes, children.length]).toEqual([[0], 2])
  })

  it('a shutdown that takes too long kills the remaining processes and ends with the crash code', async () => {
    const { processes, children, codes, advance, settle } = stage(2)
    children[0]!.listen()
    processes.stop('SIGINT')
    children[0]!.end(0)
    advance(1_000)
    expect(children[1]!.signals).toEqual(['SIGINT', 'SIGKILL'])
    children[1]!.end(null)
    await settle()
    expect(codes).toEqual([70])
  })
})
