/**
 * Builds one checked, frozen Config from arguments or flags, environment, file and defaults. The only reader of the
 * environment.
 *
 * An argument or a flag beats the environment, which beats the file, which beats the default. Every value given is checked, even if
 * another source overrides it, and all problems are reported together, each as a sentence that names its source.
 */
import { Buffer } from 'node:buffer'
import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { describeByteOrderMark } from '../base/byte-order-mark.ts'
import { nearest } from '../base/nearest.ts'
import { errorCode, type ParseContext, type Parsed, type ReadFile } from './kinds.ts'
import {
  type Config,
  flagName,
  SETTING_KEYS,
  SETTINGS,
  type Setting,
  type SettingKey,
  type Source,
  variableName,
} from './settings.ts'

export type { Config } from './settings.ts'

/** The sources that have a value for a setting, the one in effect first. A setting without any has its default. */
export type Origins = { readonly [Key in SettingKey]?: readonly Source[] }

/**
 * The flags as typed, by name with the dashes. A switch is true or false; any other flag has its values in the order
 * given, or true if it was given without one. Unknown flags are included.
 */
export type Flags = Readonly<Record<string, boolean | readonly string[]>>

export type Environment = Readonly<Record<string, string | undefined>>

export type ConfigResult =
  | { readonly ok: true; readonly config: Config; readonly origins: Origins }
  | { readonly ok: false; readonly problems: readonly string[] }

type ConfigInputs = {
  readonly flags: Flags
  /** Settings that a program passes, as they would be written in the file. Undefined ones count as not given. */
  readonly args?: Readonly<Record<string, unknown>>
  readonly env: Environment
  readonly readFile: ReadFile
}

type Values = Partial<Record<SettingKey, unknown>>

export function readEnvironment(): Environment {
  return process.env
}

/** Threads for what Node can't do asynchronously by itself, such as file access. Node's default is 4. */
const POOL_THREADS = 64

const HEAP_GROWTH_PERCENT = 40

/**
 * Must be called before the first background read. Names of receivers are looked up without these threads (decision
 * 38). The names of the database and of a telemetry collector are looked up on them, and a look-up holds its thread
 * until the name server responds. Set `UV_THREADPOOL_SIZE` to choose another number.
 */
export function growThreadPool(): void {
  process.env.UV_THREADPOOL_SIZE ??= String(POOL_THREADS)
}

/**
 * By default V8 lets a heap grow to up to four times the memory in use before it collects garbage: a busy node held
 * 600 MB and used 100. Growth by two fifths costs hardly any processor time (by one fifth: a tenth more per event).
 *
 * Call it when most code is loaded. From then on V8 refuses the compiled code that Node carries for its own modules, and
 * whatever a compile cache has, since both were made with other flags: loading takes three times as long, and starting a
 * thread twice as long.
 *
 * The space for short-lived objects can only be bounded at startup: hence `--max-semi-space-size` wherever `posthorn`
 * is started. The same holds for the arenas of glibc's `malloc`: it creates one per thread, up to eight per processor,
 * and returns little of their memory. `MALLOC_ARENA_MAX` saves some 30 MB; other C libraries ignore it.
 */
export function boundHeapGrowth(): void {
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWTH_PERCENT}`)
}

/** Node's diagnostic reports list the whole environment, which contains keys: leaves it out of them. */
export function keepEnvironmentOutOfReports(): void {
  process.report.excludeEnv = true
}

export function readTextFile(path: string): string {
  return readFileSync(path, 'utf8')
}

export function loadConfig({ flags, args = {}, env, readFile }: ConfigInputs): ConfigResult {
  const problems: string[] = []
  const asText: ParseContext = { asText: true, folder: '.', readFile }
  const fromArguments = valuesOfArguments(args, { ...asText, asText: false }, problems)
  const fromFlags = valuesOfFlags(flags, asText, problems)
  const fromEnvironment = valuesOfEnvironment(env, asText, problems)
  const file = fromArguments.config ?? fromFlags.config ?? fromEnvironment.config
  const fromFile = typeof file === 'string' ? valuesOfFile(file, readFile, problems) : {}
  if (problems.length > 0) return { ok: false, problems }
  const given = { ...defaultValues(readFile), ...fromFile, ...fromEnvironment, ...fromFlags, ...fromArguments }
  const origins = originsOf({ argument: fromArguments, flag: fromFlags, environment: fromEnvironment, file: fromFile })
  // Each value was parsed by the kind of its own key, so it has the type that Config declares for it.
  return { ok: true, config: Object.freeze(given) as Config, origins }
}

/** @param given the values of each source, the strongest first */
function originsOf(given: Readonly<Record<Source, Values>>): Origins {
  const origins: Partial<Record<SettingKey, Source[]>> = {}
  for (const [source, values] of Object.entries(given) as [Source, Values][]) {
    for (const key of Object.keys(values) as SettingKey[]) origins[key] = [...(origins[key] ?? []), source]
  }
  return origins
}

/** The input of `posthorn move`: its two flags, and otherwise the same sources as for serve. */
export type MoveInputs = Omit<ConfigInputs, 'flags' | 'args'> & {
  readonly from: string | undefined
  readonly to: string | undefined
}

/** Returns a Config whose `data` is the folder to move, and whose `databaseUrl` is where to. */
export function loadMoveConfig({ from, to, env, readFile }: MoveInputs): ConfigResult {
  const result = loadConfig({ flags: {}, env, readFile })
  const problems = result.ok ? [] : [...result.problems]
  const context: ParseContext = { asText: true, folder: '.', readFile }
  const values: Values = {}
  if (from === undefined) problems.push('flag --from is missing: specify the data folder to move.')
  else keep(values, 'data', SETTINGS.data.kind.parse(from, context), 'flag --from', problems)
  if (to !== undefined) keep(values, 'databaseUrl', SETTINGS.databaseUrl.kind.parse(to, context), 'flag --to', problems)
  else if (result.ok && result.config.databaseUrl === null) {
    problems.push('the database is missing: set POSTHORN_DATABASE_URL, or use --to.')
  }
  if (!result.ok || problems.length > 0) return { ok: false, problems }
  return { ...result, config: Object.freeze({ ...result.config, ...(values as Partial<Config>) }) }
}

function valuesOfArguments(args: Readonly<Record<string, unknown>>, context: ParseContext, problems: string[]): Values {
  const values: Values = {}
  for (const [name, value] of Object.entries(args)) {
    if (value === undefined) continue
    const key = SETTING_KEYS.find(each => each === name)
    const source = `setting ${name}`
    if (key === undefined) problems.push(unknown(source, nearestName(name, SETTING_KEYS), 'remove it'))
    else keep(values, key, settingOf(key).kind.parse(value, context), source, problems)
  }
  return values
}

function valuesOfFlags(flags: Flags, context: ParseContext, problems: string[]): Values {
  const keys = keysBy('flag', flagName)
  const values: Values = {}
  for (const [flag, typed] of Object.entries(flags)) {
    const key = keys.get(flag)
    const source = `flag ${flag}`
    if (key === undefined) {
      problems.push(unknownFlag(flag, keys))
    } else if (isSwitch(key) !== (typeof typed === 'boolean')) {
      problems.push(isSwitch(key) ? `${source} takes no value: remove the value.` : `${source} needs a value.`)
    } else if (Array.isArray(typed) && typed.length > 1 && settingOf(key).kind.shape !== 'list') {
      problems.push(`${source} is given ${typed.length} times: give it only once.`)
    } else {
      const value = Array.isArray(typed) ? typed.join(',') : typed
      keep(values, key, settingOf(key).kind.parse(value, context), source, problems)
    }
  }
  return values
}

function unknownFlag(flag: string, keys: ReadonlyMap<string, SettingKey>): string {
  const hidden = SETTING_KEYS.find(key => flagName(key) === flag)
  if (hidden !== undefined) {
    const why = 'flags are visible in the process list'
    return `flag ${flag} does not exist, because ${why}: use ${variableName(hidden)}, or the key ${hidden} in the file.`
  }
  return unknown(`flag ${flag}`, nearestName(flag, keys.keys()), 'remove it, or see posthorn serve --help')
}

/** Which server and tenant commands such as `posthorn tenants list` are for: not for a server, which can have them too. */
const OF_CLIENTS: readonly string[] = ['POSTHORN_URL', 'POSTHORN_TENANT']

function valuesOfEnvironment(env: Environment, context: ParseContext, problems: string[]): Values {
  const keys = keysBy('environment', variableName)
  const values: Values = {}
  for (const [name, value] of Object.entries(env)) {
    // Docker Compose and similar tools pass an unset variable on as an empty one: so empty means not set.
    if (!name.startsWith('POSTHORN_') || value === undefined || value === '' || isServiceLink(name, value)) continue
    if (OF_CLIENTS.includes(name)) continue
    const key = keys.get(name)
    const source = `environment variable ${name}`
    if (key === undefined) problems.push(unknown(source, nearestName(name, keys.keys()), 'unset it'))
    else keep(values, key, settingOf(key).kind.parse(value, context), source, problems)
  }
  return values
}

/**
 * Kubernetes describes each service to every container in variables named after it, so a service called "posthorn" sets
 * POSTHORN_PORT=tcp://10.0.0.1:8470 and a dozen more. They aren't settings, and would keep serve from starting.
 */
function isServiceLink(name: string, value: string): boolean {
  const described = /^POSTHORN_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/
  return described.test(name) || (/^POSTHORN_(\w+_)?PORT$/.test(name) && /^(tcp|udp|sctp):\/\//.test(value))
}

function valuesOfFile(file: string, readFile: ReadFile, problems: string[]): Values {
  const content = readJsonObject(file, readFile)
  if (typeof content === 'string') {
    problems.push(content)
    return {}
  }
  const keys = keysBy('file', key => key)
  const values: Values = {}
  // Relative paths are resolved against the file's folder, so that they don't depend on where the process is started.
  const context: ParseContext = { asText: false, folder: dirname(file), readFile }
  for (const [name, value] of Object.entries(content)) {
    const key = keys.get(name)
    const source = `key ${name} in ${file}`
    if (key === undefined) problems.push(unknown(source, nearestName(name, keys.keys()), 'remove it'))
    else keep(values, key, settingOf(key).kind.parse(value, context), source, problems)
  }
  return values
}

/** Returns the JSON object in the file, or a sentence that says why there is none. */
function readJsonObject(file: string, readFile: ReadFile): object | string {
  let content: string
  try {
    content = readFile(file)
  } catch (error) {
    return `configuration file ${file} cannot be read (${errorCode(error)}): make it readable, or choose another.`
  }
  const marked = describeByteOrderMark(Buffer.from(content.slice(0, 1)), `configuration file ${file}`)
  if (marked !== undefined) return marked
  // What a byte order mark of UTF-16 is read as.
  if (content.startsWith('\uFFFD\uFFFD')) {
    return `configuration file ${file} is not UTF-8: save it as UTF-8, without a byte order mark.`
  }
  try {
    const value: unknown = JSON.parse(content)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? value : `configuration file ${file} must contain one JSON object.`
  } catch {
    // The parser's own message quotes the text around the fault, which might be a secret.
    return `configuration file ${file} is not valid JSON, which has no comments, single quotes or trailing commas.`
  }
}

function defaultValues(readFile: ReadFile): Values {
  const values: Values = {}
  for (const key of SETTING_KEYS) {
    const { default: byDefault, kind } = settingOf(key)
    if (byDefault === undefined) {
      values[key] = null
      continue
    }
    const parsed = kind.parse(byDefault, { asText: false, folder: '.', readFile })
    if (!parsed.ok) throw new Error(`the default of ${key} ${parsed.complaint}`)
    values[key] = parsed.value
  }
  return values
}

function keep(values: Values, key: SettingKey, parsed: Parsed<unknown>, source: string, problems: string[]): void {
  if (parsed.ok) values[key] = parsed.value
  else problems.push(`${source} ${parsed.complaint}.`)
}

const nearestName = (typed: string, names: Iterable<string>) => nearest(typed, names, /^(--|POSTHORN_)/i)

function unknown(source: string, near: string | undefined, remedy: string): string {
  return near === undefined ? `unknown ${source}: ${remedy}.` : `unknown ${source}: did you mean ${near}?`
}

function keysBy(source: Exclude<Source, 'argument'>, name: (key: SettingKey) => string) {
  const settable = SETTING_KEYS.filter(key => settingOf(key).sources.includes(source))
  return new Map(settable.map(key => [name(key), key]))
}

function isSwitch(key: SettingKey): boolean {
  return settingOf(key).kind.shape === 'switch'
}

function settingOf(key: SettingKey): Setting<unknown> {
  return SETTINGS[key]
}
