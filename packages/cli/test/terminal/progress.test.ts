import { describe, expect, it } from 'vitest'
import { formatBytes, formatLeft, Progress, type ProgressOptions } from '../../src/terminal/progress.ts'
import { HandClock } from '../clock.ts'

/** What a terminal shows: a carriage return goes back to the beginning of the line. */
function screenOf(text: string): string[] {
  return text.split('\n').map(line => {
    let shown = ''
    for (const part of line.split('\r')) shown = part + shown.slice(part.length)
    return shown.trimEnd()
  })
}

function start(options: Partial<ProgressOptions> & { readonly columns?: number; readonly isTTY?: boolean } = {}) {
  const { columns = 100, isTTY = true, ...others } = options
  const clock = new HandClock()
  let text = ''
  const output = {
    isTTY,
    columns,
    write(more: string) {
      text += more
    },
  }
  const progress = new Progress({ output, clock, label: 'Moving', unit: 'rows', ...others })
  return { progress, clock, output, text: () => text, screen: () => screenOf(text) }
}

describe('progress on a terminal', () => {
  it('shows what is done, the rate and the time left, and takes its line away at the end', () => {
    const { progress, clock, screen, text } = start({ total: 10_000, done: 4_000 })
    clock.advance(200)
    expect(screen()).toEqual(['Moving  4,000 of 10,000 rows  40%'])
    for (let at = 0; at < 20; at++) {
      progress.advance(100)
      clock.advance(200)
    }
    expect(screen().at(-1)).toMatch(/^Moving {2}6,000 of 10,000 rows {2}60% {2}4\d\d\/s {2}(8|9|10) s left$/)
    progress.say('The server responds again.')
    expect(screen()).toEqual(['The server responds again.', expect.stringMatching(/^Moving/)])
    progress.end()
    progress.end()
    expect(screen()).toEqual(['The server responds again.', ''])
    expect([clock.timers, text().includes('\u001b')]).toEqual([0, false])
  })

  it('follows the rate of the last seconds', () => {
    const { progress, clock } = start({ total: 100_000 })
    for (let at = 0; at < 300; at++) {
      progress.advance(at < 150 ? 10 : 40)
      clock.advance(100)
    }
    expect(progress.rate).toBeGreaterThan(395)
    expect(progress.rate).toBeLessThan(405)
    clock.advance(20_000)
    expect([progress.rate, progress.leftMs]).toEqual([0, null])
  })

  it('takes the time left from bytes, where it counts something else', () => {
    const { progress, clock } = start({ fraction: 0.5 })
    for (let at = 1; at <= 10; at++) {
      progress.reach(at * 10, 0.5 + at / 100)
      clock.advance(500)
    }
    expect(progress.leftMs).toBeCloseTo(20_000, -3)
  })

  it.each([0, 1, 7, 20, 40, 60])('of %i columns stays on its line', columns => {
    const { progress, clock, screen, output } = start({ columns, total: 123_456_789_000 })
    for (let at = 0; at < 20; at++) {
      progress.advance(1_234_567)
      clock.advance(300)
    }
    progress.note('the server does not respond')
    const lines = screen()
    expect(lines.length).toBe(1)
    expect(lines[0]!.length).toBeLessThan(Math.max(columns, 1))
    output.columns = 100
    clock.advance(200)
    expect(screen()[0]).toContain('Moving')
  })
})

describe('progress elsewhere', () => {
  it('is a line every ten seconds', () => {
    const { progress, clock, text } = start({ isTTY: false, total: 1_000 })
    clock.advance(9_900)
    expect(text()).toBe('')
    progress.reach(250)
    clock.advance(20_200)
    expect(text().split('\n')).toEqual([
      expect.stringMatching(/^Moving {2}250 of 1,000 rows {2}25% {2}2\d\/s {2}\d+ s left$/),
      expect.stringMatching(/^Moving {2}250 of 1,000 rows {2}25%/),
      expect.stringMatching(/^Moving/),
      '',
    ])
    progress.end()
    expect(clock.timers).toBe(0)
  })
})

it.each([
  [512, '512 bytes'],
  [1_536, '1.5 KiB'],
  [200 * 1024 ** 2, '200 MiB'],
  [1.25 * 1024 ** 3, '1.3 GiB'],
])('%i bytes are %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text))

it.each([
  [100, '1 s'],
  [84_000, '1 min 24 s'],
  [11_100_000, '3 h 5 min'],
  [176_400_000, '2 d 1 h'],
])('%i ms are %s', (ms, text) => expect(formatLeft(ms)).toBe(text))
