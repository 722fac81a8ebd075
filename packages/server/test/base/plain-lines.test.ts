import { expect, it } from 'vitest'
import { createLogger, logPlain } from '../../src/base/logger.ts'

it("a plain line equals the logger's own line, even with bound fields and unusual characters", () => {
  const lines: string[] = []
  const clock = { now: () => 1_700_000_000_000 } as never
  const { logger } = createLogger({ level: 'info', stdout: { write: line => lines.push(line) }, clock })
  const values = { tenant: 'a"\u2028\n', status: 204, errorCode: null, next: 'retry' }
  for (const each of [logger, logger.child({ node: 'x' })]) {
    each.info(values, 'attempt')
    logPlain(each, 'attempt', values)
    const [theirs, ours] = lines.splice(0)
    expect(ours).toBe(theirs)
  }
})

it('a plain line is not written if the level is above info', () => {
  const lines: string[] = []
  const { logger } = createLogger({ level: 'warn', stdout: { write: line => lines.push(line) } })
  logPlain(logger, 'attempt', { status: 204 })
  expect(lines).toEqual([])
})
