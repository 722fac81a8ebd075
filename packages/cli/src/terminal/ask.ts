/** Questions to a person, on standard error, so that standard output stays what the command writes. */
import { Writable } from 'node:stream'
import { EXIT } from '../exit.ts'
import { Problem } from '../problem.ts'
import type { Terminal } from './terminal.ts'

/** Whether someone is there to respond. */
export const canAsk = ({ stdin, stderr }: Terminal): boolean => stdin.isTTY === true && stderr.isTTY === true

/** Asks for a line, and returns it without spaces around it. Throws Problem at Ctrl-C and Ctrl-D. */
export function ask(terminal: Terminal, question: string): Promise<string> {
  return readLine(terminal, question, terminal.stderr)
}

/** Asks for a line that isn't shown while it is typed. */
export async function askHidden(terminal: Terminal, question: string): Promise<string> {
  terminal.stderr.write(question)
  const line = await readLine(terminal, '', new Writable({ write: (_piece, _encoding, done) => done() }))
  terminal.stderr.write('\n')
  return line
}

/**
 * Asks whether to go on with something that can't be undone.
 *
 * @param isSure whether the flag `--yes` is there, and no question needed
 * @throws Problem if the response is no, or no one is there to respond
 */
export async function confirm(terminal: Terminal, question: string, isSure: boolean): Promise<void> {
  if (isSure) return
  if (!canAsk(terminal)) throw new Problem(`${question} Add --yes to do it without being asked.`, EXIT.usage)
  const response = await ask(terminal, `${question} [y/N] `)
  if (!/^y(es)?$/i.test(response)) throw new Problem('Nothing was changed.', EXIT.refused)
}

async function readLine({ stdin }: Terminal, question: string, output: Writable): Promise<string> {
  const { createInterface } = await import('node:readline/promises')
  const lines = createInterface({ input: stdin, output, terminal: true, historySize: 0 })
  const left = Promise.withResolvers<never>()
  const leave = () => left.reject(new Problem('Nothing was changed.', EXIT.signal + 2))
  lines.once('SIGINT', leave)
  lines.once('close', leave)
  try {
    return (await Promise.race([lines.question(question), left.promise])).trim()
  } finally {
    // Closing it calls `leave`, whose rejection no one waits for.
    left.promise.catch(() => {})
    lines.close()
  }
}
