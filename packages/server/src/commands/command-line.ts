/** The commands, with everything that they touch passed in. `cli.ts` runs them on the real process. */
import { Command, CommanderError } from 'commander'
import pkg from '../../package.json' with { type: 'json' }
import { loadConfig, loadMoveConfig } from '../config/config.ts'
import type { Effects } from './effects.ts'
import { crash, EXIT, finish, refuseStart } from './endings.ts'
import { addSettings, flagsOf } from './flags.ts'
import type { MoveConfig } from './move.ts'
import { serve } from './serve.ts'

export type { Effects } from './effects.ts'
export { EXIT } from './endings.ts'

export async function runCommandLine(effects: Effects): Promise<void> {
  try {
    await program(effects).parseAsync(effects.args, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) return crash(effects, error)
    effects.exit(error.exitCode === 0 ? EXIT.ok : EXIT.usage)
  }
}

function program(effects: Effects): Command {
  const root = new Command('posthorn')
    .description(pkg.description)
    .version(`posthorn ${pkg.version}`, '--version', 'show the version')
    .helpOption('-h, --help', 'show this help')
    .helpCommand('help [command]', 'show the help of a command')
    .exitOverride()
    .configureOutput({
      writeOut: text => void effects.stdout.write(text),
      writeErr: text => void effects.stderr.write(text),
    })
  const serveCommand = root
    .command('serve')
    .description('send webhooks, until stopped')
    // Unknown flags go to the configuration, which names everything that is wrong at once.
    .allowUnknownOption()
    .allowExcessArguments()
    .addHelpText(
      'after',
      '\nEach flag can also be an environment variable (--max-batch: POSTHORN_MAX_BATCH) or a key of the file (maxBatch).' +
        '\nPOSTHORN_API_KEY and POSTHORN_ENCRYPTION_KEY set the keys, which have no flag. See docs/configuration.md.\n',
    )
  addSettings(serveCommand)
  serveCommand.action(() => serve(serveCommand, effects))
  addMigrate(root, effects)
  addMove(root, effects)
  addKeys(root, effects)
  addCopies(root, effects)
  addDoctor(root, effects)
  return root
}

function addMigrate(root: Command, effects: Effects): void {
  const command = root
    .command('migrate')
    .description("bring the store to this version's schema, as serve does at its start")
    .addHelpText('after', '\nThe store is the data folder, or the database in POSTHORN_DATABASE_URL.\n')
  addSettings(command, ['data', 'config'])
  command.action(async () => {
    const result = loadConfig({ flags: flagsOf(command).flags, env: effects.env, readFile: effects.readFile })
    await finish(result, config => effects.migrateStore(config, effects), effects)
  })
}

function addMove(root: Command, effects: Effects): void {
  const command = root
    .command('move')
    .description('move everything from a data folder to an empty PostgreSQL')
    .option('--from <folder>', 'the data folder; nothing in it is changed, and no serve may be running on it')
    .option('--to <url>', 'the database; better in POSTHORN_DATABASE_URL, since a flag shows in the list of processes')
    .addHelpText(
      'after',
      '\nIt can be stopped at any time: run again, it goes on where it was. See docs/scaling-up.md.\n',
    )
  command.action(async ({ from, to }: { from?: string; to?: string }) => {
    const result = loadMoveConfig({ from, to, env: effects.env, readFile: effects.readFile })
    await finish(result, config => effects.moveInstallation(config as MoveConfig, effects), effects)
  })
}

function addKeys(root: Command, effects: Effects): void {
  const keys = root.command('keys').description('what is done with the key that encrypts secrets')
  const command = keys
    .command('rotate')
    .description('encrypt all secrets with another key, while the server goes on')
    .option('--url <url>', 'of the server; by default where the configuration has it on this machine')
    .addHelpText('after', "\nThe API's root key is read from POSTHORN_API_KEY. See docs/keys.md.\n")
  addSettings(command, ['host', 'port', 'config'])
  command.action(async ({ url }: { url?: string }) => {
    const { '--url': _, ...flags } = flagsOf(command).flags
    const result = loadConfig({ flags, env: effects.env, readFile: effects.readFile })
    await finish(result, config => effects.rotateKeys(config, url, effects), effects)
  })
}

function addCopies(root: Command, effects: Effects): void {
  const copies = [
    ['backup', 'copy the data folder’s store to a new file, while serve goes on', effects.backUpStore],
    ['restore', 'put such a copy into a data folder that has no store', effects.restoreStore],
  ] as const
  for (const [name, description, work] of copies) {
    const command = root
      .command(name)
      .description(description)
      .argument('<file>', 'the copy')
      .addHelpText('after', '\nThe encryption key is not in it: keep a copy of that apart. See docs/backup.md.\n')
    addSettings(command, ['data', 'config'])
    command.action(async (file: string) => {
      const flags = flagsOf(command).flags
      const result = loadConfig({ flags, env: effects.env, readFile: effects.readFile })
      await finish(result, config => work({ ...config, file }, effects), effects)
    })
  }
}

function addDoctor(root: Command, effects: Effects): void {
  const command = root
    .command('doctor')
    .description('look whether everything is as it should be, and say what to do; also beside a running serve')
    .option('--target <url>', 'also try to reach this receiver, as a delivery would (HEAD /)')
    .option('--full', 'also what takes long: read the whole store, and audit the books now')
    .addHelpText('after', '\nGive it what serve is given. It ends with 0 if nothing has failed, else with 1.\n')
  addSettings(command)
  command.action(async ({ target, full = false }: { target?: string; full?: boolean }) => {
    const { '--target': _target, '--full': _full, ...flags } = flagsOf(command).flags
    const result = loadConfig({ flags, env: effects.env, readFile: effects.readFile })
    try {
      const isWell = await effects.examine(result, { target: target ?? null, isFull: full }, effects)
      effects.exit(isWell ? EXIT.ok : EXIT.refused)
    } catch (error) {
      refuseStart(error, effects)
    }
  })
}
