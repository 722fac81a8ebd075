import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chooseLines, createLines, type LinesStyle } from '../../src/base/log-lines.ts'
import { createLogger, logPlain } from '../../src/base/logger.ts'

const STYLE: LinesStyle = { isForTerminal: true, isColoured: false, columns: () => undefined, offsetMinutes: () => 60 }

/** What is written for a line of JSON. */
const written = (fields: Record<string, unknown>, style: Partial<LinesStyle> = {}) =>
  createLines({ ...STYLE, ...style })(
    JSON.stringify({ level: 'info', time: '2026-11-30T18:51:03.120Z', name: 'posthorn', ...fields }),
  )

describe('a log line for people', () => {
  it('has the local time, the level, what happened, and the fields', () => {
    const fields = { replay: 'rpl_1', attempt: 2, status: null, why: 'took too long', isOk: false }
    expect(written({ ...fields, msg: 'replay failed; retrying' })).toBe(
      '19:51:03.120  INFO   replay failed; retrying  replay=rpl_1  attempt=2  why="took too long"  isOk=false\n',
    )
    expect(written({ level: 'warn', msg: 'a' })).toBe('19:51:03.120  WARN   a\n')
  })

  it('has the date and the offset where it is no terminal', () => {
    const style = { isForTerminal: false }
    expect(written({ msg: 'a' }, style)).toBe('2026-11-30T19:51:03.120+01:00  INFO   a\n')
    expect(written({ msg: 'a' }, { ...style, offsetMinutes: () => -330 })).toMatch(/^2026-11-30T13:21:03\.120-05:30 /)
  })

  it('has the causes of an error in one sentence, and the places of its stack below', () => {
    const lines: string[] = []
    const formatLine = createLines(STYLE)
    const { logger } = createLogger({ level: 'info', stdout: { write: text => lines.push(text) }, formatLine })
    const cause = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })
    logger.error({ err: new Error('no store', { cause }), delivery: 'dlv_1' }, 'not stored')
    expect(lines[0]).toMatch(
      / ERROR {2}not stored {2}delivery=dlv_1 {2}error="no store: refused \(ECONNREFUSED\)"\n {4}at /,
    )
    logPlain(logger, 'attempt', { endpoint: 'ep_1' })
    expect(lines[1]).toMatch(/ INFO {3}attempt {2}endpoint=ep_1\n$/)
  })

  it.each([40, 80, 120])('fits into a terminal of %i columns, where its words do', columns => {
    const fields = Object.fromEntries(Array.from({ length: 12 }, (_, at) => [`field${at}`, `value ${at}`]))
    const msg = 'a statement that is longer than the narrowest of these terminals is wide'
    const lines = written({ ...fields, msg }, { columns: () => columns })
      .trimEnd()
      .split('\n')
    expect(Math.max(...lines.map(line => line.length))).toBeLessThanOrEqual(columns)
    expect(lines.join(' ').replace(/\s+/g, ' ')).toBe(
      written({ ...fields, msg })
        .trimEnd()
        .replace(/\s+/g, ' '),
    )
  })

  const HOSTILE = '\u001b]0;title\u0007\u001b[2J\r\n\u009b31m\u202egnp.exe\u2028\ud800 "quoted"'

  it('shows what a terminal would act on as escapes', () => {
    const line = written({ msg: HOSTILE, [HOSTILE]: 1, url: `http://a/${HOSTILE}`, deep: { [HOSTILE]: [HOSTILE] } })
    expect(line.slice(0, -1)).not.toMatch(/[\p{Cc}\p{Cs}\u202e\u2028]/u)
    expect(line).toContain('\\u{1b}[2J')
  })

  it('never has a control character of its values', () => {
    const unit = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 1 }),
      fc.constantFrom('\u001b', '\u009b', '\n', '\u2067'),
    )
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 30 }), units => {
        const text = units.join('')
        const line = written({ msg: text, [`_${text}`]: text, err: { message: text, stack: `    at ${text}` } })
        const acts = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u
        for (const each of line.split('\n')) expect(each).not.toMatch(acts)
      }),
    )
  })

  it('is coloured by its level', () => {
    const style = { isColoured: true }
    expect(written({ level: 'error', msg: 'a' }, style)).toContain('\u001b[31mERROR')
    expect(written({ level: 'warn', msg: 'a' }, style)).toContain('\u001b[33mWARN')
  })
})

describe('log lines', () => {
  const TERMINAL = { isTTY: true, columns: 200 }

  it.each([
    ['auto', TERMINAL, true],
    ['auto', { isTTY: false }, false],
    ['auto', null, false],
    ['json', TERMINAL, false],
    ['text', { isTTY: false }, true],
  ] as const)('with the format %s on %j are for people: %s', (format, stdout, isText) => {
    expect(chooseLines(format, stdout, {}) !== undefined).toBe(isText)
  })

  it.each([
    [{}, TERMINAL, true],
    [{ NO_COLOR: '1' }, TERMINAL, false],
    [{ NO_COLOR: '' }, TERMINAL, true],
    [{ TERM: 'dumb' }, TERMINAL, false],
    [{}, { isTTY: false }, false],
  ])('with the environment %j on %j are coloured: %s', (environment, stdout, isColoured) => {
    const line = chooseLines('text', stdout, environment)!('{"level":"warn","time":"2026-11-30T18:51:03Z","msg":"a"}')
    expect(line.includes('\u001b')).toBe(isColoured)
  })
})
