/** What the checks of an installation find (`posthorn doctor`, `GET /v1/checks`). */
export const LEVELS = ['ok', 'warn', 'fail'] as const
export type Level = (typeof LEVELS)[number]

export type Finding = {
  readonly level: Level
  /** What was checked, in one or two words. */
  readonly part: string
  readonly says: string
  /** What to do. Null if nothing needs doing. */
  readonly advice: string | null
  /** A command for a shell that mends it. Undefined if none does, or if it needs a decision first. */
  readonly command?: string
}

export const ok = (part: string, says: string): Finding => ({ level: 'ok', part, says, advice: null })
export const warn = (part: string, says: string, advice: string, command?: string): Finding =>
  toDo('warn', part, says, advice, command)
export const fail = (part: string, says: string, advice: string, command?: string): Finding =>
  toDo('fail', part, says, advice, command)

const toDo = (level: Level, part: string, says: string, advice: string, command?: string): Finding => ({
  level,
  part,
  says,
  advice,
  ...(command === undefined ? {} : { command }),
})
