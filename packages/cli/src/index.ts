/** The commands that call a server's API, as a client like any other (decision 64). */
import type { Command } from 'commander'
import { addCompletion } from './commands/completion.ts'
import { addDeliveries } from './commands/deliveries/deliveries.ts'
import { addEncryptionKeys } from './commands/encryption-keys.ts'
import { addEndpoints } from './commands/endpoints/endpoints.ts'
import { addEvents } from './commands/events/events.ts'
import { addExport } from './commands/export/export.ts'
import { addKeys } from './commands/keys.ts'
import { addListen } from './commands/listen.ts'
import { addLogin } from './commands/login.ts'
import { addOpenApi } from './commands/openapi.ts'
import { addProfiles } from './commands/profiles.ts'
import { addPublish } from './commands/publish.ts'
import { addReplay } from './commands/replay/replay.ts'
import { addTenants } from './commands/tenants.ts'
import { addTypes } from './commands/types.ts'
import type { Terminal } from './terminal/terminal.ts'

export { addCommand, addNoun, type Run, withNothing } from './command.ts'
export { EXIT } from './exit.ts'
export { readSecret } from './input.ts'
export { Problem } from './problem.ts'
export { formatRelative, formatUtc, plain } from './terminal/index.ts'
export { openTerminal, type Terminal } from './terminal/terminal.ts'

/** One a noun, in the order of `--help`. */
const NOUNS: readonly ((root: Command, terminal: Terminal) => void)[] = [
  addLogin,
  addProfiles,
  addPublish,
  addListen,
  addTenants,
  addEndpoints,
  addTypes,
  addDeliveries,
  addEvents,
  addReplay,
  addExport,
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
