/** A checking thread: does one job after the other. It can be ended at any moment. */
import { constants, setPriority } from 'node:os'
import { platform, threadCpuUsage } from 'node:process'
import { parentPort, workerData } from 'node:worker_threads'
import { type CompiledSchema, compileSchema, NotCompiledYet, type SchemaFault } from '../../catalogue/schema.ts'
import { type Job, type JobResults, type JobTypes, runJob, type Watch } from './jobs.ts'
import { type Needed, PLACE, type Reply, type Request, type SentType, type ThreadData } from './messages.ts'

type Compiled = Extract<CompiledSchema, { readonly ok: true }>

class ThreadType {
  readonly type: { readonly archivedAtMs: number | null }
  readonly schema: string
  readonly #name: string
  #compiled: Compiled | undefined

  constructor({ name, archivedAtMs }: SentType, schema: string, before: ThreadType | undefined) {
    this.type = { archivedAtMs }
    this.schema = schema
    this.#name = name
    if (before?.schema === schema) this.#compiled = before.#compiled
  }

  get isCompiled(): boolean {
    return this.#compiled !== undefined
  }

  compile(): Compiled {
    if (this.#compiled !== undefined) return this.#compiled
    const compiled = compileSchema(JSON.parse(this.schema), work => compileOrDefer(this.#name, true, work))
    // The schema compiled when it was stored, so this is a bug of ours and not the publisher's mistake.
    if (!compiled.ok) throw new Error(`The stored schema of ${this.#name} does not compile: ${compiled.detail}`)
    this.#compiled = compiled
    return compiled
  }

  /** If what it needs is not compiled yet, that is noted, and the answer doesn't count. */
  validate(value: unknown): SchemaFault[] {
    try {
      return this.compile().validate(value)
    } catch (error) {
      if (error instanceof NotCompiledYet) return []
      throw error
    }
  }
}

const { place: shared, isBackground } = workerData as ThreadData
const place = new Int32Array(shared)
// On Linux this concerns the calling thread only; elsewhere it would be the whole process.
if (isBackground && platform === 'linux') setPriority(0, constants.priority.PRIORITY_LOW)

let byName = new Map<string, ThreadType>()
let numbers = new Map<string, number>()

function setCatalogue(types: readonly SentType[]): void {
  const before = byName
  byName = new Map()
  for (const sent of types) {
    const old = before.get(sent.name)
    byName.set(sent.name, new ThreadType(sent, sent.schema ?? old!.schema, old))
  }
  numbers = new Map(types.map(({ name }, index) => [name, index]))
}

/** What the current job needs. Undefined: it compiles that itself. */
let needed: Map<string, Needed> | undefined

function compileOrDefer(type: string, isAll: boolean, work: () => void): void {
  if (needed !== undefined) {
    needed.set(type, { type, isAll })
    throw new NotCompiledYet()
  }
  compileTimed(type, work)
}

/** Compiles something of a type's: the time does not count as the job's. */
function compileTimed(type: string, work: () => void): void {
  place[PLACE.type] = (numbers.get(type) ?? -1) + 1
  const sinceMs = Math.max(1, cpuMs())
  place[PLACE.compilingSinceMs] = sinceMs
  try {
    work()
  } finally {
    const tookMs = cpuMs() - sinceMs
    place[PLACE.cpuMs]! += tookMs
    place[PLACE.compiledMs]! += tookMs
    place[PLACE.compilingSinceMs] = 0
  }
}

const types: JobTypes = {
  get byName() {
    return byName
  },
  compile(name) {
    const type = byName.get(name)
    if (type === undefined || type.isCompiled || type.type.archivedAtMs !== null) return
    if (needed === undefined) compileTimed(name, () => type.compile())
    else needed.set(name, { type: name, isAll: false })
  },
}

const watch: Watch = {
  validating() {
    if (needed !== undefined && needed.size > 0) throw new NotCompiledYet()
    noteTime()
    parentPort!.postMessage({ kind: 'validating' } satisfies Reply)
  },
  at(type, index, isInBatch) {
    place[PLACE.index] = index
    place[PLACE.isInBatch] = isInBatch ? 1 : 0
    place[PLACE.type] = (numbers.get(type) ?? -1) + 1
  },
}

function cpuMs(): number {
  const { user, system } = threadCpuUsage()
  return Math.round((user + system) / 1_000)
}

function noteTime(): void {
  place[PLACE.cpuMs] = cpuMs()
}

function work(job: Job, mayDefer: boolean): Reply {
  needed = mayDefer ? new Map() : undefined
  let result: JobResults[Job['kind']] | undefined
  try {
    result = runJob(job, types, watch)
  } catch (error) {
    if (!(error instanceof NotCompiledYet)) throw error
  }
  if (needed !== undefined && needed.size > 0) return { kind: 'needs', needed: [...needed.values()] }
  return { kind: 'done', result: result! }
}

function compile({ type, isAll }: Needed): Reply {
  const known = byName.get(type)
  if (known !== undefined) {
    compileTimed(type, () => {
      const compiled = known.compile()
      if (isAll) compiled.compileAll()
    })
  }
  return { kind: 'compiled' }
}

function answer(request: Exclude<Request, { kind: 'catalogue' }>): Reply {
  noteTime()
  try {
    return request.kind === 'job' ? work(request.job, request.mayDefer) : compile(request.needed)
  } catch (error) {
    return { kind: 'failed', message: error instanceof Error ? error.message : String(error) }
  }
}

parentPort!.on('message', (request: Request) => {
  if (request.kind === 'catalogue') setCatalogue(request.types)
  else parentPort!.postMessage(answer(request))
})
parentPort!.postMessage({ kind: 'ready' } satisfies Reply)
