/** Posthorn can't start. The message says what is wrong and what to do, in a sentence for each problem. */
export class StartRefused extends Error {
  /** A sentence for each problem. */
  readonly problems: readonly string[]

  constructor(problem: string | readonly string[], options?: ErrorOptions) {
    const problems = typeof problem === 'string' ? [problem] : problem
    super(problems.length === 1 ? problems[0] : `${problems.length} problems:\n${problems.join('\n')}`, options)
    this.name = 'StartRefused'
    this.problems = problems
  }
}
