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

  it('takes a folder for profiles and a bound, and says when they are missing', () => {
    expect(parseOptions(['B4', '--profile', '/tmp/x'])).toMatchObject({ ids: ['B4'], profileFolder: '/tmp/x' })
    expect(parseOptions(['B1', '--at-most', '7.5'])).toMatchObject({ atMost: 7.5 })
    for (const large of [['B7'], ['B1', 'B11'], []]) {
      expect(parseOptions([...large, '--at-most', '8'])).toMatch(/is to be large: name others/)
    }
    expect(parseOptions(['--profile'])).toMatch(/--profile/)
    expect(parseOptions(['B1', '--write', '--profile', 'x'])).toMatch(/with --profile they do not/)
    for (const bad of ['x', '0', '']) expect(parseOptions(['B1', '--at-most', bad])).toMatch(/needs a number above 0/)
  })

  it('knows a bench by its number and by what it measures', () => {
    expect(parseOptions(['batch-sqlite', 'B6-others'])).toMatchObject({ ids: ['B1', 'B6-others'] })
    expect(parseOptions(['rate-with-backlog', '--at-most', '8'])).toMatch(/B7 measure what is to be large/)
    for (const { id, name } of BENCHES) expect(findBench(id)).toBe(findBench(name))
    expect(new Set(BENCHES.flatMap(({ id, name }) => [id, name])).size).toBe(2 * BENCHES.length)
  })

  it('says what it knows when it is told something else', () => {
    expect(parseOptions(['B4 '])).toMatch(/does not know B4 : it takes B1, /)
    expect(parseOptions(['b4'])).toMatch(/does not know b4/)
    expect(parseOptions(['--shrot'])).toMatch(/--shrot/)
  })

  it('tells of every bench in its help', () => {
    for (const id of BENCH_IDS) expect(USAGE).toMatch(new RegExp(`^ {2}${id} `, 'm'))
  })
})
