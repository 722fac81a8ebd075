/** The commands that call a server's API, as a client like any other (decision 64). */
import type { Command } from 'commander'
import { addCompletion } from './commands/completion.ts'
import { addEncryptionKeys } from './commands/encryption-keys.ts'
import { addKeys } from './commands/keys.ts'
import { addListen } from './commands/listen.ts'
import { addLogin } from './commands/login.ts'
import { addOpenApi } from './commands/openapi.ts'
import { addProfiles } from './commands/profiles.ts'
import { addTenants } from './commands/tenants.ts'
import type { Terminal } from './terminal/terminal.ts'

export { openTerminal, type Terminal } from './terminal/terminal.ts'

/** One a noun, in the order of `--help`. */
const NOUNS: readonly ((root: Command, terminal: Terminal) => void)[] = [
  addLogin,
  addProfiles,
  addTenants,
  addListen,
  addKeys,
  addEncryptionKeys,
  addOpenApi,
  addCompletion,
]

/** Adds all of them to `posthorn`. Nothing of the terminal is used before a command runs. */
export function addRemoteCommands(root: Command, terminal: Terminal): void {
  root.commandsGroup("Call a server's API:")
  for (const add of NOUNS) add(root, terminal)
}
