/** `npx @posthorn/client types`: writes a declaration file for the catalogue of a running server. */
import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type { EventType } from '../api/models.ts'
import { Posthorn } from '../api/posthorn.ts'
import { ApiError, ConnectionError, PosthornError, TimeoutError } from '../http/errors.ts'
import { VERSION } from '../version.ts'
import { MODULES, writeDeclarations } from './declarations.ts'

export type Surroundings = {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly print: (line: string) => void
  readonly printError: (line: string) => void
}

const HELP = `Usage: npx @posthorn/client types --url <url> [--out <file>] [--module <name>] [--check]

Reads the event types of a Posthorn server, and writes a declaration file with which the compiler checks types and
payloads of events that you publish or receive. Include the file in your project.

  --url <url>      Where the server listens, such as https://posthorn.example. Default: the variable POSTHORN_URL
  --out <file>     The file to write. Default: posthorn.d.ts
  --module <name>  The package that you publish with: @posthorn/client (default), or posthorn, the library
  --check          Write nothing, and end with status 1 if the file differs from what would be written
  --help           Show this
  --version        Show the version

POSTHORN_API_KEY must be set to an API key of that server. Any scope can read the catalogue.`

const OPTIONS = {
  url: { type: 'string' },
  out: { type: 'string' },
  module: { type: 'string' },
  check: { type: 'boolean' },
  help: { type: 'boolean' },
  version: { type: 'boolean' },
} as const

/** More than any catalogue has: a server that never ends its list must not fill the memory. */
const MAX_TYPES = 20_000

/** Something that the user can correct. Its message says how. */
class Fault extends Error {}
/** The same, where the command line is wrong. */
class UsageFault extends Fault {}

/** Runs the command. Returns its exit status: 1 if it failed or the file is out of date, 2 if the command line is wrong. */
export async function run(args: readonly string[], surroundings: Surroundings): Promise<number> {
  try {
    return await runCommand(args, surroundings)
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    surroundings.printError(error.message)
    return error instanceof UsageFault ? 2 : 1
  }
}

async function runCommand(args: readonly string[], { env, print, printError }: Surroundings): Promise<number> {
  const { command, url: given, out = 'posthorn.d.ts', check = false, help, version, ...others } = readArguments(args)
  if (version === true) {
    print(VERSION)
    return 0
  }
  if (help === true) {
    print(HELP)
    return 0
  }
  if (command !== 'types') {
    const what = command === undefined ? 'A command is missing.' : `There is no command ${JSON.stringify(command)}.`
    throw new UsageFault(`${what} The only one is \`types\`.\n\n${HELP}`)
  }
  const url = given ?? env.POSTHORN_URL
  if (!url) throw new UsageFault('Pass --url, or set POSTHORN_URL: where does the server listen?')
  const { module = MODULES[0] } = others
  if (!(MODULES as readonly string[]).includes(module)) throw new UsageFault(`--module: ${MODULES.join(' or ')}.`)
  const types = await readCatalogue(url, env.POSTHORN_API_KEY)
  const text = writeDeclarations(types, module)
  const found = readIfThere(out)
  const count = `${types.length} event types`
  if (found === text) {
    print(`${out} is up to date (${count}).`)
    return 0
  }
  if (check) {
    printError(`${out} ${found === undefined ? 'does not exist' : `is out of date${difference(found, text)}`}.`)
    printError('Run the command without --check, and commit the file.')
    return 1
  }
  write(out, text)
  print(`${out} has ${count}.`)
  return 0
}

function readArguments(args: readonly string[]) {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true })
    if (positionals.length > 1) throw new UsageFault(`Remove ${JSON.stringify(positionals[1])}: it is no option.`)
    return { command: positionals[0], ...values }
  } catch (error) {
    if (error instanceof Fault) throw error
    // The first sentence names the option; the rest is about arguments that this command doesn't have.
    const [what] = (error as Error).message.split(/\. |\n/)
    throw new UsageFault(`${what}. The options are --url, --out, --module, --check, --help and --version.`)
  }
}

async function readCatalogue(url: string, apiKey: string | undefined): Promise<EventType[]> {
  if (!apiKey)
    throw new UsageFault('Set POSTHORN_API_KEY to an API key of the server. Any scope can read the catalogue.')
  const types: EventType[] = []
  try {
    const posthorn = new Posthorn({ url, apiKey, maxRetries: 1 })
    for await (const type of posthorn.eventTypes.list({ limit: 100 })) {
      types.push(type)
      if (types.length > MAX_TYPES) throw new Fault(`The server lists more than ${MAX_TYPES} event types.`)
    }
  } catch (error) {
    throw explain(error, url)
  }
  if (types.every(type => typeof type?.name === 'string')) return types
  throw new Fault(`What responds at ${url} is not the API of Posthorn: its event types have no names.`)
}

function explain(error: unknown, url: string): unknown {
  if (error instanceof TypeError) return new UsageFault(`--url: ${error.message}`)
  if (!(error instanceof PosthornError)) return error
  if (error instanceof ConnectionError || error instanceof TimeoutError) {
    // Node's fetch says why in the cause of its error.
    const { code, message } = (error.cause as { cause?: { code?: string; message?: string } } | undefined)?.cause ?? {}
    const why = code ?? message
    const what = `There is no response from ${url}${why === undefined ? '' : ` (${why})`}.`
    return new Fault(`${what} Is Posthorn running there, and reachable from here?`)
  }
  if (error instanceof ApiError && error.status === 401) {
    return new Fault(`${url} doesn't accept the API key in POSTHORN_API_KEY. Is it a key of this server?`)
  }
  return new Fault(`${url}: ${error.message}`)
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new Fault(`${file} can't be read: ${(error as Error).message}`)
  }
}

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text)
  } catch (error) {
    throw new Fault(`${file} can't be written: ${(error as Error).message}`)
  }
}

/** The first line in which two texts differ. */
function difference(found: string, text: string): string {
  const [before, after] = [found, text].map(each => each.split(/\r?\n/))
  const at = after!.findIndex((line, index) => line !== before![index])
  if (at < 0) return before!.length > after!.length ? ` from line ${after!.length} on` : ' in its line ends'
  return `: line ${at + 1} is ${JSON.stringify(before![at] ?? '')} and would be ${JSON.stringify(after![at])}`
}
