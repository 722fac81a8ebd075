import { describe, expect, it } from 'vitest'
import { BENCH_IDS, parseOptions, USAGE } from './options.ts'

describe('the command line', () => {
  it('runs every bench unless some are named', () => {
    expect(parseOptions([])).toEqual({ ids: BENCH_IDS, short: false, help: false })
    expect(parseOptions(['B4', '--short', 'B6-others'])).toEqual({ ids: ['B4', 'B6-others'], short: true, help: false })
  })

  it('takes a folder for profiles, and says when it is missing', () => {
    expect(parseOptions(['B4', '--profile', '/tmp/x'])).toMatchObject({ ids: ['B4'], profileFolder: '/tmp/x' })
    expect(parseOptions(['--profile'])).toBe('--profile needs a folder after it.')
  })

  it('says what it knows when it is told something else', () => {
    expect(parseOptions(['B4 '])).toMatch(/does not know B4 : it takes B1, /)
    expect(parseOptions(['b4'])).toMatch(/does not know b4/)
  })

  it('tells of every bench in its help', () => {
    for (const id of BENCH_IDS) expect(USAGE).toMatch(new RegExp(`^ {2}${id} `, 'm'))
  })
})
