/** Standard output or standard error, or in tests anything that takes text. */
export type Output = {
  write(text: string): unknown
  /** Its file descriptor, if it has one. */
  readonly fd?: number
  /** Whether it is a terminal. */
  readonly isTTY?: boolean
  /** Width of the terminal, at the moment. */
  readonly columns?: number
}
