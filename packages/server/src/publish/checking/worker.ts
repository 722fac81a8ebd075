/** A checking thread: does one job after the other. It can be ended at any moment. */
import { constants, setPriority } from 'node:os'
import { platform, threadCpuUsage } from 'node:process'
import { parentPort, workerData } from 'node:worker_threads'
import { compileSchema, type SchemaFault } from '../../catalogue/schema.ts'
import { type JobTypes, runJob, type Watch } from './jobs.ts'
import { PLACE, type Reply, type Request, type SentType, type ThreadData } from './messages.ts'

class ThreadType {
  readonly type: { readonly archivedAtMs: number | null }
  readonly schema: string
  readonly #name: string
  #validate: ((value: unknown) => SchemaFault[]) | undefined

  constructor({ name, archivedAtMs }: SentType, schema: string, before: ThreadType | undefined) {
    this.type = { archivedAtMs }
    this.schema = schema
    this.#name = name
    if (before?.schema === schema) this.#validate = before.#validate
  }

  compile(): (value: unknown) => SchemaFault[] {
    if (this.#validate !== undefined) return this.#validate
    const compiled = compileSchema(JSON.parse(this.schema))
    // The schema compiled when it was stored, so this is a bug of ours and not the publisher's mistake.
    if (!compiled.ok) throw new Error(`The stored schema of ${this.#name} does not compile: ${compiled.detail}`)
    this.#validate = compiled.validate
    return compiled.validate
  }

  validate(value: unknown): SchemaFault[] {
    return this.compile()(value)
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

function noteTime(): void {
  const { user, system } = threadCpuUsage()
  place[PLACE.cpuMs] = (user + system) / 1_000
}

function answer(request: Extract<Request, { kind: 'job' }>): Reply {
  const types: JobTypes = { byName, compile: type => byName.get(type)?.compile() }
  const watch: Watch = {
    validating() {
      noteTime()
      parentPort!.postMessage({ kind: 'validating' } satisfies Reply)
    },
    at(type, index, isInBatch) {
      place[PLACE.index] = index
      place[PLACE.isInBatch] = isInBatch ? 1 : 0
      place[PLACE.type] = (numbers.get(type) ?? -1) + 1
    },
  }
  noteTime()
  try {
    return { kind: 'done', result: runJob(request.job, types, watch) }
  } catch (error) {
    return { kind: 'failed', message: error instanceof Error ? error.message : String(error) }
  }
}

parentPort!.on('message', (request: Request) => {
  if (request.kind === 'catalogue') setCatalogue(request.types)
  else parentPort!.postMessage(answer(request))
})
parentPort!.postMessage({ kind: 'ready' } satisfies Reply)
