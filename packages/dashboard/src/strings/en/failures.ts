import { translated } from '../translated.ts'

/** What went wrong with a call, where the server doesn't say it itself. */
export const failures = translated('failures', {
  tooOld: 'This server is older than the page and can’t do this yet.',
  away: 'The server is not responding.',
  other: (status: string) => `Something other than Posthorn responded (status ${status}).`,
} as const)
