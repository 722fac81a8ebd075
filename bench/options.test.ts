import { describe, expect, it } from 'vitest'
import { BENCHES, findBench } from './benches.ts'
import { BENCH_IDS, parseOptions, USAGE } from './options.ts'

describe('the command line', () => {
  it('runs every bench in its short form unless some are named', () => {
    const rest = { write: false, help: false }
    expect(parseOptions([])).toEqual({ ids: BENCH_IDS, short: true, ...rest })
    expect(parseOptions(['B4', 'B6-others'])).toEqual({ ids: ['B4', 'B6-others'], short: false, ...rest })
    expect(parseOptions(['B4', '--short'])).toEqual({ ids: ['B4'], short: true, ...rest })
  })

  it('accepts a profile folder and a bound, and reports missing or invalid ones', () => {
    expect(parseOptions(['B4', '--profile', '/tmp/x'])).toMatchObject({ ids: ['B4'], profileFolder: '/tmp/x' })
    expect(parseOptions(['B1', '--at-most', '7.5'])).toMatchObject({ atMost: 7.5 })
    for (const large of [['B7'], ['B1', 'B11'], []]) {
      expect(parseOptions([...large, '--at-most', '8'])).toMatch(/for which larger is better/)
    }
    expect(parseOptions(['--profile'])).toMatch(/--profile/)
    expect(parseOptions(['B1', '--write', '--profile', 'x'])).toMatch(/leave out --profile/)
    for (const bad of ['x', '0', '']) expect(parseOptions(['B1', '--at-most', bad])).toMatch(/needs a number above 0/)
  })

  it('finds a bench by its id and by its name', () => {
    expect(parseOptions(['batch-sqlite', 'B6-others'])).toMatchObject({ ids: ['B1', 'B6-others'] })
    expect(parseOptions(['rate-with-backlog', '--at-most', '8'])).toMatch(/leave out B7, for which larger is better/)
    for (const { id, name } of BENCHES) expect(findBench(id)).toBe(findBench(name))
    expect(new Set(BENCHES.flatMap(({ id, name }) => [id, name])).size).toBe(2 * BENCHES.length)
  })

  it('refuses unknown benches and flags, and lists the benches', () => {
    expect(parseOptions(['B4 '])).toMatch(/Unknown bench "B4 "\. The benches are B1, /)
    expect(parseOptions(['b4'])).toMatch(/Unknown bench "b4"/)
    expect(parseOptions(['--shrot'])).toMatch(/--shrot/)
  })

  it('lists every bench in its help text', () => {
    for (const id of BENCH_IDS) expect(USAGE).toMatch(new RegExp(`^ {2}${id} `, 'm'))
  })
})
