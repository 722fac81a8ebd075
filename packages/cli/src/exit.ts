/** The exit codes of all commands (docs/command-line.md). A code never changes its meaning. */
export const EXIT = {
  /** Success: help was shown, serve drained and stopped, or another command has done its work. */
  ok: 0,
  /** The command can't do its work until something has been changed: the API, a check or a startup refused it. */
  refused: 1,
  /** The command line or the configuration is wrong. */
  usage: 2,
  /** No usable response: the server doesn't respond, is unavailable, or isn't Posthorn. The same command can work later. */
  unreachable: 3,
  /** The API key is wrong, or doesn't allow this. */
  denied: 4,
  /** What the command was to work on doesn't exist. */
  notFound: 5,
  /** An unexpected error. Whatever was accepted is in the store and is sent after the next startup. */
  crash: 70,
  /** Ended by a signal: the signal's number is added, so Ctrl-C is 130. */
  signal: 128,
} as const

/** What the codes mean to those who read them, in the docs and the manual. */
export const EXIT_MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  ok: 'The command has done its work.',
  refused: "It can't until something has changed: the API refused it, a check failed, the operator said no.",
  usage: 'The command line or the configuration is wrong.',
  unreachable: 'No usable response: the server does not respond, is unavailable, or is not Posthorn. Try again later.',
  denied: 'The API key is wrong, or does not allow this.',
  notFound: 'What the command was to work on was not found.',
  crash: 'An unexpected error: a fault of Posthorn.',
  signal: 'A signal ended it; Ctrl-C is 130.',
}
