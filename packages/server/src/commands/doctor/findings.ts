/** The results of doctor's checks, one line each. */
export type Level = 'ok' | 'warn' | 'fail'

export type Finding = {
  readonly level: Level
  /** What was checked, in one or two words. */
  readonly part: string
  readonly says: string
  /** What to do. Null if nothing needs doing. */
  readonly advice: string | null
}

export const ok = (part: string, says: string): Finding => ({ level: 'ok', part, says, advice: null })
export const warn = (part: string, says: string, advice: string): Finding => ({ level: 'warn', part, says, advice })
export const fail = (part: string, says: string, advice: string): Finding => ({ level: 'fail', part, says, advice })

const LEVEL_WIDTH = 6
const PART_WIDTH = 16

export function writeFinding({ level, part, says, advice }: Finding): string {
  const line = `${level.padEnd(LEVEL_WIDTH)}${part.padEnd(PART_WIDTH)}${says}\n`
  return advice === null ? line : `${line}${' '.repeat(LEVEL_WIDTH + PART_WIDTH)}→ ${advice}\n`
}
