/**
 * Reads a Dockerfile: the instructions of each stage, with variables replaced, as far as our own uses the language.
 * Anything else is refused, so that an instruction can't be added to the Dockerfile without being carried out here.
 */

/** A stage's instructions, in order. `base` is an image, or the name of an earlier stage. */
export type Stage = {
  readonly base: string
  readonly name: string | null
  readonly instructions: readonly Instruction[]
}

export type Instruction =
  | { readonly kind: 'COPY'; readonly sources: readonly string[]; readonly target: string; readonly options: Options }
  | { readonly kind: 'RUN'; readonly command: string }
  | { readonly kind: 'ENV' | 'LABEL'; readonly pairs: Readonly<Record<string, string>> }
  | { readonly kind: 'USER' | 'WORKDIR' | 'EXPOSE' | 'STOPSIGNAL' | 'VOLUME'; readonly value: string }
  | { readonly kind: 'ENTRYPOINT' | 'CMD'; readonly words: readonly string[] }
  | { readonly kind: 'HEALTHCHECK'; readonly words: readonly string[]; readonly options: Options }

type Options = Readonly<Record<string, string>>
type Variables = Record<string, string>

/** What BuildKit sets by itself. Their value doesn't matter here: everything is built on this machine, for it. */
const PLATFORM = { BUILDPLATFORM: 'this-machine' }

/** @param given values of `--build-arg` */
export function parseDockerfile(text: string, given: Variables = {}): Stage[] {
  const globals: Variables = { ...PLATFORM }
  const stages: { base: string; name: string | null; instructions: Instruction[] }[] = []
  let variables: Variables = {}
  for (const line of logicalLines(text)) {
    const [word = '', rest = ''] = cut(line)
    const stage = stages.at(-1)
    if (word === 'ARG') {
      const [name, value] = argument(rest, stage === undefined ? globals : variables)
      const known = given[name] ?? value ?? globals[name]
      if (known === undefined) throw new Error(`ARG ${name} has no default and no value: give it one.`)
      if (stage === undefined) globals[name] = known
      else variables[name] = known
    } else if (word === 'FROM') {
      variables = {}
      stages.push(parseFrom(replace(rest, globals)))
    } else if (stage === undefined) throw new Error(`${word} comes before the first FROM.`)
    else {
      // The shell replaces the variables of RUN, from its environment; an ARG is part of that environment.
      const value = word === 'RUN' ? rest : replace(rest, variables)
      const instruction = parseInstruction(word, value)
      if (instruction.kind === 'ENV') Object.assign(variables, instruction.pairs)
      stage.instructions.push(instruction)
    }
  }
  if (stages.length === 0) throw new Error('The Dockerfile has no FROM.')
  return stages
}

/** Without comments, and with continued lines put together. */
function logicalLines(text: string): string[] {
  const lines = text.split('\n').filter(line => !/^\s*#/.test(line))
  const whole = lines.join('\n').replaceAll(/\\[ \t]*\n/g, ' ')
  return whole.split('\n').flatMap(line => (line.trim() === '' ? [] : [line.trim()]))
}

function cut(text: string): [string, string] {
  const [, word = '', rest = ''] = /^(\S+)\s*(.*)$/.exec(text) ?? []
  return [word, rest]
}

function argument(text: string, variables: Variables): [string, string | undefined] {
  const [, name, , value] = /^(\w+)(=(\S*))?$/.exec(text) ?? []
  if (name === undefined) throw new Error(`ARG ${text} is not understood: write one name, or name=value.`)
  return [name, value === undefined ? undefined : replace(value, variables)]
}

function replace(text: string, variables: Variables): string {
  return text.replaceAll(/\$(?:\{([^}]*)\}|(\w+))/g, (whole, braced: string | undefined, bare: string | undefined) => {
    const value = variables[braced ?? bare!]
    if (value === undefined) throw new Error(`${whole} is not known: declare it with ARG or ENV in this stage.`)
    return value
  })
}

function parseFrom(text: string) {
  const found = /^(?:--platform=\S+ )?(\S+)(?: AS (\S+))?$/.exec(text)
  if (found === null) throw new Error(`FROM ${text} is not understood.`)
  return { base: found[1]!, name: found[2] ?? null, instructions: [] as Instruction[] }
}

function parseInstruction(word: string, rest: string): Instruction {
  switch (word) {
    case 'COPY': {
      const { options, left } = takeOptions(rest, ['from', 'chown', 'chmod'])
      const paths = left.split(/\s+/)
      const target = paths.pop()
      if (target === undefined || paths.length === 0) throw new Error(`COPY ${rest} needs a source and a target.`)
      const wild = paths.find(path => /[*?[\]]/.test(path))
      if (wild !== undefined) throw new Error(`COPY ${wild}: patterns are not understood; list the files.`)
      if (paths.length > 1 && !target.endsWith('/')) throw new Error(`COPY ${rest}: the target must end with a slash.`)
      return { kind: 'COPY', sources: paths, target, options }
    }
    case 'RUN':
      if (/^(\[|--)/.test(rest)) throw new Error(`RUN ${rest} is not understood: write a command for the shell.`)
      return { kind: 'RUN', command: rest }
    case 'ENV':
    case 'LABEL':
      return { kind: word, pairs: pairs(rest) }
    case 'USER':
    case 'WORKDIR':
    case 'EXPOSE':
    case 'STOPSIGNAL':
    case 'VOLUME':
      if (!/^[^\s[]+$/.test(rest)) throw new Error(`${word} ${rest} is not understood: write one value.`)
      return { kind: word, value: rest }
    case 'ENTRYPOINT':
    case 'CMD':
      return { kind: word, words: words(word, rest) }
    case 'HEALTHCHECK': {
      const { options, left } = takeOptions(rest, ['interval', 'timeout', 'start-period', 'start-interval', 'retries'])
      const [kind, command] = cut(left)
      if (kind !== 'CMD') throw new Error(`HEALTHCHECK ${rest} is not understood.`)
      return { kind: 'HEALTHCHECK', options, words: words('HEALTHCHECK CMD', command) }
    }
    default:
      throw new Error(`${word} is not understood: teach deploy/docker/dockerfile.ts and image.ts what it does.`)
  }
}

function takeOptions(text: string, known: readonly string[]): { options: Options; left: string } {
  const options: Record<string, string> = {}
  let left = text
  for (;;) {
    const found = /^--([a-z-]+)=(\S+)\s+/.exec(left)
    if (found === null) return { options, left }
    if (!known.includes(found[1]!)) throw new Error(`--${found[1]} is not understood.`)
    options[found[1]!] = found[2]!
    left = left.slice(found[0].length)
  }
}

/** `a=b c="d e"` */
function pairs(text: string): Record<string, string> {
  const found: Record<string, string> = {}
  const left = text.replaceAll(
    /([\w.-]+)=(?:"([^"]*)"|(\S*))\s*/g,
    (_, name: string, quoted?: string, bare?: string) => {
      found[name] = quoted ?? bare ?? ''
      return ''
    },
  )
  if (left !== '' || Object.keys(found).length === 0) throw new Error(`${text} is not understood: write name=value.`)
  return found
}

/** A command without a shell, so that signals reach the program itself. */
function words(instruction: string, text: string): string[] {
  const complaint = `${instruction} ${text} must be a list in JSON, or a shell takes the signals of the program.`
  try {
    const value: unknown = JSON.parse(text)
    if (Array.isArray(value) && value.length > 0 && value.every(each => typeof each === 'string')) return value
  } catch {}
  throw new Error(complaint)
}
