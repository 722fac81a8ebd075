import { Type } from 'typebox'
import { PROBLEM_TYPE, ProblemSchema } from '../http/problem-schema.ts'
import { NoQuery, ref } from '../http/shapes.ts'
import type { ApiOptions, StoreReadiness } from '../options.ts'
import { resource } from '../resource.ts'
import examples from './health.examples.json' with { type: 'json' }

const Status = (description: string) => Type.Object({ status: Type.String() }, { description })

const Ability = (what: string) =>
  Type.Optional(
    Type.String({
      description: `${what}: \`available\` or \`unavailable\`. Absent while the node is starting or shutting down.`,
    }),
  )

const ReadinessSchema = Type.Object(
  {
    status: Type.String({
      description:
        '`ready`; `degraded`: something is unavailable, but no other node could do better; `unavailable`; `starting`; ' +
        '`draining`: the node is shutting down.',
    }),
    publishing: Ability('Whether the store takes events and changes'),
    reading: Ability('Whether the store can be read'),
  },
  { $id: 'Readiness', description: 'Whether the node is ready, and what its store can do.' },
)

/** Which of the two abilities a load balancer asks for. `node`: all that requests need, as decision 42 weighs it. */
const PROBES = [
  {
    path: '/readyz',
    operationId: 'getReadiness',
    summary: 'Check whether the node is ready to take requests',
    description:
      'Tries the store. The status is 503 if the node cannot read it, and also if the node cannot store events while ' +
      'other nodes might: always with the embedded store, and with PostgreSQL unless the database itself reports the ' +
      'fault, such as a full disk. Takes at most 2 seconds.',
    isOnEveryNode: true,
    isReady: ({ isReady }: StoreReadiness) => isReady,
  },
  {
    path: '/readyz/publishing',
    operationId: 'getPublishingReadiness',
    summary: 'Check whether the node can store events',
    description: 'For load balancers that route publishing separately. Takes at most 2 seconds.',
    isOnEveryNode: false,
    isReady: ({ publishing }: StoreReadiness) => publishing,
  },
  {
    path: '/readyz/reading',
    operationId: 'getReadingReadiness',
    summary: 'Check whether the node can read the store',
    description: 'For load balancers that route everything but publishing separately. Takes at most 2 seconds.',
    isOnEveryNode: false,
    isReady: ({ reading }: StoreReadiness) => reading,
  },
] as const

export const healthResource = resource({
  tag: 'Health',
  components: [ReadinessSchema],
  examples,
  isOnEveryNode: true,
  add(routes, _services, options) {
    routes.get(
      '/healthz',
      {
        access: 'open',
        operationId: 'getHealth',
        summary: 'Check whether the process is alive',
        querystring: NoQuery,
        refusals: ['invalid'],
        response: { 200: Status('The process is alive.') },
      },
      async () => ({ status: 'ok' }),
    )

    for (const { path, operationId, summary, description, isOnEveryNode, isReady } of PROBES) {
      if (options.takesCalls === false && !isOnEveryNode) continue
      routes.get(
        path,
        {
          access: 'open',
          operationId,
          summary,
          description,
          querystring: NoQuery,
          refusals: ['invalid'],
          response: {
            200: ref(ReadinessSchema),
            // Replaces the 503 of all other calls: this one can have two different bodies.
            503: {
              description: 'The node is not ready.',
              content: {
                'application/json': { schema: ref(ReadinessSchema) },
                [PROBLEM_TYPE]: { schema: ref(ProblemSchema) },
              },
            },
          },
        },
        async (_request, reply) => {
          const found = await lookAt(options)
          const isWell = typeof found !== 'string' && isReady(found)
          return reply.code(isWell ? 200 : 503).send(show(found, isWell))
        },
      )
    }
  },
})

type Found = StoreReadiness | 'draining' | 'starting'

async function lookAt({ isDraining, isReady, readiness }: ApiOptions): Promise<Found> {
  if (isDraining()) return 'draining'
  return isReady() ? readiness() : 'starting'
}

const word = (isAvailable: boolean) => (isAvailable ? 'available' : 'unavailable')

function show(found: Found, isWell: boolean) {
  if (typeof found === 'string') return { status: found }
  const { publishing, reading } = found
  const status = !isWell ? 'unavailable' : publishing && reading ? 'ready' : 'degraded'
  return { status, publishing: word(publishing), reading: word(reading) }
}
