/** The part of OpenAPI 3.1 that Posthorn's document uses, and where the document comes from. */
import { createApi } from '../../server/src/api/api.ts'
import type { ApiOptions } from '../../server/src/api/options.ts'
import type { Services } from '../../server/src/api/resource-list.ts'
import { systemClock } from '../../server/src/base/clock.ts'
import { createLogger } from '../../server/src/base/logger.ts'

export type Schema = {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly format?: string
  readonly description?: string
  readonly enum?: readonly (string | number | boolean | null)[]
  readonly const?: string | number | boolean | null
  readonly anyOf?: readonly Schema[]
  readonly items?: Schema
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | Schema
  readonly default?: unknown
  readonly minimum?: number
  readonly maximum?: number
  readonly maxLength?: number
  readonly maxItems?: number
  readonly deprecated?: boolean
}

export type Parameter = {
  readonly name: string
  readonly in: string
  readonly required?: boolean
  readonly description?: string
  readonly schema: Schema
}

export type Operation = {
  readonly operationId: string
  readonly summary: string
  readonly description?: string
  readonly tags: readonly string[]
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly required?: boolean; readonly content: Readonly<Record<string, { schema: Schema }>> }
  readonly responses: Readonly<Record<string, ApiResponse>>
}

export type ApiResponse = {
  readonly description: string
  readonly content?: Readonly<Record<string, { readonly schema: Schema }>>
}

export type Document = {
  readonly tags: readonly { readonly name: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> }
}

/** Those that the document depends on, as on a node that takes calls; the others only have to be there. */
const OPTIONS: ApiOptions = {
  version: '0',
  takesCalls: true,
  identify: () => undefined,
  basePath: '/',
  dashboard: 'none',
  portal: false,
  portalUrl: () => 'http://localhost/',
  publicUrl: () => '',
  givenUrl: null,
  sessions: { find: () => undefined, use: () => {}, untilFresh: async () => {} },
  pages: null,
  trustedProxies: [],
  clock: systemClock,
  egressAddresses: [],
  maxBodyBytes: 1,
  bodyMemoryBytes: 1,
  maxConnections: 1,
  maxConnectionsPerAddress: 1,
  isShared: () => false,
  isReady: () => false,
  isDraining: () => false,
  readiness: async () => ({ isReady: false, publishing: false, reading: false }),
  metrics: async () => ({ type: 'text/plain', text: '' }),
  metricsOpen: false,
  nodeId: '',
  settings: () => [],
  checks: async () => ({ findings: [], checkedAtMs: 0, durationMs: 0 }),
  logger: createLogger({ level: 'error', stdout: { write: () => true } }).logger,
}

/** The document of the server in this repository: what it serves at `/openapi.json`, without starting it. */
export async function currentDocument(): Promise<Document> {
  // Describing the routes doesn't call any service.
  const { api } = createApi({} as Services, OPTIONS)
  await api.ready()
  try {
    return JSON.parse(JSON.stringify(api.swagger()))
  } finally {
    await api.close()
  }
}
