/**
 * Builds the image without a daemon: carries out the Dockerfile's instructions, one after the other, in folders instead of
 * layers. For this machine only, and as root, which `chroot` and foreign owners need.
 *
 * Two things differ from a real build. The base images, which no registry of packages has, are made from Debian's own
 * packages and from Node's program in npm's package (`bases.ts`). And the commands of RUN see this machine's network with
 * its certificates, as they would see a daemon's.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { basename, dirname, join, matchesGlob, resolve, sep } from 'node:path'
import { makeBase } from './bases.ts'
import { type Instruction, parseDockerfile, type Stage } from './dockerfile.ts'
import { runInChroot } from './namespaces.ts'

/** What is started, and how. */
export type ImageConfig = {
  readonly env: Readonly<Record<string, string>>
  readonly user: string
  readonly workdir: string
  readonly entrypoint: readonly string[]
  readonly cmd: readonly string[]
  readonly healthcheck: readonly string[]
  readonly healthcheckOptions: Readonly<Record<string, string>>
  readonly volumes: readonly string[]
  readonly ports: readonly string[]
  readonly stopSignal: string
  readonly labels: Readonly<Record<string, string>>
}

export type Image = { readonly root: string; readonly config: ImageConfig }

type Building = { -readonly [Key in keyof Image]: Image[Key] }

const EMPTY: ImageConfig = {
  env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
  user: '0:0',
  workdir: '/',
  entrypoint: [],
  cmd: [],
  healthcheck: [],
  healthcheckOptions: {},
  volumes: [],
  ports: [],
  stopSignal: 'SIGTERM',
  labels: {},
}

export type BuildOptions = {
  /** The folder that COPY reads, with the Dockerfile and .dockerignore. */
  readonly context: string
  /** Where the stages are put. */
  readonly folder: string
  /** Where base images are kept for the next build. */
  readonly cache: string
  /** As `--build-arg`. */
  readonly args?: Record<string, string>
}

/** Returns the last stage. */
export function buildImage({ context, folder, cache, args }: BuildOptions): Image {
  const stages = parseDockerfile(readFileSync(join(context, 'Dockerfile'), 'utf8'), args)
  const isSent = readIgnored(readFileSync(join(context, '.dockerignore'), 'utf8'))
  const built = new Map<string, Image>()
  let last: Image | undefined
  for (const [index, stage] of stages.entries()) {
    last = buildStage(stage, { root: join(folder, `stage-${index}`), context, cache, isSent, built })
    if (stage.name !== null) built.set(stage.name, last)
  }
  return last!
}

type Means = {
  readonly root: string
  readonly context: string
  readonly cache: string
  readonly isSent: (path: string) => boolean
  readonly built: ReadonlyMap<string, Image>
}

function buildStage(stage: Stage, means: Means): Image {
  const { root, cache, built } = means
  rmSync(root, { recursive: true, force: true })
  mkdirSync(root, { recursive: true })
  const from = built.get(stage.base)
  // `cp -a` keeps owners, modes, links and times, which Node's own copy doesn't.
  execFileSync('cp', ['-a', '--reflink=auto', `${from?.root ?? makeBase(stage.base, cache)}/.`, root])
  const image: Building = { root, config: from?.config ?? EMPTY }
  for (const instruction of stage.instructions) carryOut(instruction, image, means)
  return image
}

function carryOut(instruction: Instruction, image: Building, means: Means): void {
  if (instruction.kind === 'COPY') {
    for (const source of instruction.sources) copy(source, instruction, image, means)
  } else if (instruction.kind === 'RUN') {
    runInChroot(image.root, ['/bin/sh', '-c', instruction.command], image.config)
  } else {
    if (instruction.kind === 'WORKDIR') mkdirSync(inside(image.root, instruction.value), { recursive: true })
    image.config = { ...image.config, ...changeOf(instruction, image.config) }
  }
}

/** What an instruction changes of how the image is started. */
function changeOf(
  instruction: Exclude<Instruction, { kind: 'COPY' | 'RUN' }>,
  { env, labels, ports, volumes }: ImageConfig,
): Partial<ImageConfig> {
  switch (instruction.kind) {
    case 'ENV':
      return { env: { ...env, ...instruction.pairs } }
    case 'LABEL':
      return { labels: { ...labels, ...instruction.pairs } }
    case 'USER':
      return { user: instruction.value }
    case 'WORKDIR':
      return { workdir: instruction.value }
    case 'EXPOSE':
      return { ports: [...ports, instruction.value] }
    case 'VOLUME':
      return { volumes: [...volumes, instruction.value] }
    case 'STOPSIGNAL':
      return { stopSignal: instruction.value }
    case 'ENTRYPOINT':
      return { entrypoint: instruction.words }
    case 'CMD':
      return { cmd: instruction.words }
    case 'HEALTHCHECK':
      return { healthcheck: instruction.words, healthcheckOptions: instruction.options }
  }
}

function copy(source: string, { target, options }: Extract<Instruction, { kind: 'COPY' }>, image: Image, means: Means) {
  const from = options.from === undefined ? undefined : means.built.get(options.from)
  if (options.from !== undefined && from === undefined) throw new Error(`COPY --from=${options.from}: no such stage.`)
  if (from === undefined && !means.isSent(source)) {
    throw new Error(`COPY ${source}: .dockerignore keeps it out of what a daemon is sent.`)
  }
  const path = inside(from?.root ?? means.context, source)
  if (!existsSync(path)) throw new Error(`COPY ${source}: it does not exist. Run "npm run pack" first.`)
  // COPY makes everything root's unless it is told otherwise.
  const owner = options.chown ?? '0:0'
  if (lstatSync(path).isDirectory()) {
    // The contents alone: a target that isn't there yet gets the usual mode, one that is stays as it is.
    const to = inside(image.root, target)
    if (!existsSync(to)) makeFolder(to, owner)
    for (const name of readdirSync(path)) place(join(path, name), join(to, name), owner, options.chmod)
    return
  }
  const to = inside(image.root, target.endsWith('/') ? join(target, basename(source)) : target)
  mkdirSync(dirname(to), { recursive: true })
  place(path, to, owner, options.chmod)
}

function makeFolder(path: string, owner: string): void {
  mkdirSync(path, { recursive: true, mode: 0o755 })
  execFileSync('chown', [owner, path])
}

/** Copies a file or a folder over what is there. Modes, links and times stay; the owner is the one given. */
function place(from: string, to: string, owner: string, mode: string | undefined): void {
  execFileSync('cp', ['-a', '--no-target-directory', from, to])
  execFileSync('chown', ['--recursive', '--no-dereference', owner, to])
  if (mode !== undefined) execFileSync('chmod', ['--recursive', mode, to])
}

function inside(root: string, path: string): string {
  const whole = resolve(root, `./${path}`)
  if (whole !== resolve(root) && !whole.startsWith(resolve(root) + sep)) throw new Error(`${path} leaves its root.`)
  return whole
}

/** The part of .dockerignore that ours uses: patterns, the last one that fits decides. */
function readIgnored(text: string): (path: string) => boolean {
  const rules = text.split('\n').filter(line => line.trim() !== '' && !line.startsWith('#'))
  return path => {
    let isSent = true
    for (const rule of rules) {
      const isException = rule.startsWith('!')
      const pattern = isException ? rule.slice(1) : rule
      const parts = path.split('/')
      // A pattern that fits a folder fits all that it contains.
      const fits = parts.some((_, index) => matchesGlob(parts.slice(0, index + 1).join('/'), pattern))
      if (fits) isSent = isException
    }
    return isSent
  }
}
