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
}

export const ok = (part: string, says: string): Finding => ({ level: 'ok', part, says, advice: null })
export const warn = (part: string, says: string, advice: string): Finding => ({ level: 'warn', part, says, advice })
export const fail = (part: string, says: string, advice: string): Finding => ({ level: 'fail', part, says, advice })
