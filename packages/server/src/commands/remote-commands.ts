/** The commands that are loaded when the first word is none of the server's own: those of the API, and `token`. */
import { addRemoteCommands, type Terminal } from '@posthorn/cli'
import type { Command } from 'commander'
import { addToken } from './token.ts'

/** Nothing of the terminal is used before a command runs. */
export function addFurtherCommands(root: Command, terminal: Terminal): void {
  addRemoteCommands(root, terminal)
  addToken(root, terminal)
}
