/** Standard output or error, or, in tests, whatever takes texts. */
export type Output = {
  write(text: string): unknown
  /** Its file descriptor, if it is a file of the process. */
  readonly fd?: number
}
