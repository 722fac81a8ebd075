/** The command line with all its commands, for what describes them: documentation, the manual, tests. */
import type { Terminal } from '@posthorn/cli'
import type { Command } from 'commander'
import { type Effects, makeProgram } from '../src/commands/command-line.ts'
import { addFurtherCommands } from '../src/commands/remote-commands.ts'

export function allCommands(): Command {
  // Describing the commands has no effects, and touches no terminal.
  const program = makeProgram({} as Effects)
  addFurtherCommands(program, {} as Terminal)
  return program
}
