import { type Static, Type } from 'typebox'
import type { Node, NodeState, Nodes, Share } from '../../services/nodes.ts'
import type { Routes } from '../http/routes.ts'
import { IntegerOrNull, NoQuery, objectOrNull, ref, TextOrNull, TimeOrNull, timeOrNull, Word } from '../http/shapes.ts'
import { type Public, resource } from '../resource.ts'
import examples from './nodes.examples.json' with { type: 'json' }

const STATES: readonly NodeState[] = ['running', 'draining', 'lost']

const Milliseconds = (description: string) => Type.Number({ description: `${description}, in milliseconds.` })
const Bytes = (description: string) => Type.Integer({ description: `${description}, in bytes.` })

const SHARE = {
  partitions: Type.Array(Type.Integer(), {
    description: 'Numbers of the partitions, from 0 to 255. Each endpoint belongs to one of them.',
  }),
  backlog: objectOrNull(
    {
      pending: Type.Integer({ description: 'Number of pending deliveries, not including held ones.' }),
      due: Type.Integer({
        description: 'How many of them are due, including those to receivers that are being given a rest.',
      }),
      lagMs: Type.Integer({
        description: 'For how long the first of those that are due has been due, in milliseconds. 0 if none is.',
      }),
    },
    'Pending deliveries in these partitions. If more than 20,000 deliveries are pending in all, the numbers are up to ' +
      'some minutes old. Null if they cannot be counted now.',
  ),
}

const Load = objectOrNull(
  {
    inFlight: Type.Integer({ description: 'Number of attempts in flight.' }),
    lanes: Type.Integer({ description: 'Number of endpoints for which the node has work.' }),
    unsettled: Type.Integer({
      description: 'Number of outcomes that are not stored yet. At 1,000, the node sends nothing.',
    }),
    connections: Type.Integer({ description: "Number of open connections to the node's API." }),
    eventLoopDelay: Type.Object(
      {
        meanMs: Milliseconds('Mean'),
        p99Ms: Milliseconds('99th percentile'),
        maxMs: Milliseconds('Maximum'),
      },
      { description: 'How late timers fired during the last minute: how busy the process is.' },
    ),
    memory: Type.Object({
      residentBytes: Bytes('Memory of the process'),
      heapBytes: Bytes('Memory used by JavaScript objects'),
      heapLimitBytes: Bytes('What JavaScript objects can use at most'),
    }),
  },
  'What the node was doing when it reported last. Null if it is lost, or if its version does not report.',
)

const NodeSchema = Type.Object(
  {
    id: Type.String({ description: 'Created at each startup of the process.' }),
    state: Word(STATES, {
      description:
        '`running`; `draining`: the node is shutting down; `lost`: it has stopped reporting without a shutdown, at ' +
        'most an hour ago.',
    }),
    answered: Type.Boolean({ description: 'Whether this node responded to the call.' }),
    version: TextOrNull({ description: 'Version of Posthorn. Null if it is an older one, which does not report.' }),
    role: TextOrNull({ description: 'The setting `role`: `all`, `api` or `delivery`. Null if it is unknown.' }),
    host: TextOrNull({ description: 'Name of the machine or container. Null if it is unknown.' }),
    pid: IntegerOrNull({ description: 'Number of the process on that machine. Null if it is unknown.' }),
    startedAt: TimeOrNull('When the process was started. Null if it is unknown.'),
    seenAt: TimeOrNull('When the node reported last. Null if it is unknown.'),
    ...SHARE,
    load: Load,
  },
  { $id: 'Node', description: 'A process that serves. With the embedded store there is only one.' },
)

const NodesSchema = Type.Object(
  {
    data: Type.Array(ref(NodeSchema), { description: 'The nodes, the one that was started first at the top.' }),
    unassigned: Type.Object(SHARE, {
      description: 'Partitions that no node sends for. Their deliveries wait until a node takes them over.',
    }),
  },
  { $id: 'Nodes' },
)

type NodeView = Static<typeof NodeSchema>

type Needs = { readonly nodes: Public<Nodes> }

/** The processes that share the store. */
export const nodesResource = resource({
  tag: 'Operations',
  components: [NodeSchema, NodesSchema],
  examples,
  add(routes, services: Needs) {
    addListing(routes, services)
  },
})

function addListing(routes: Routes, { nodes }: Needs): void {
  routes.get(
    '/v1/nodes',
    {
      access: 'read',
      operationId: 'listNodes',
      summary: 'List the nodes, with their partitions and backlog',
      description:
        'Needs a key with the scope `all` or `read` that is not limited to one tenant. Nodes report every third of ' +
        '`leaseMs`.',
      querystring: NoQuery,
      response: { 200: { ...ref(NodesSchema), description: 'The nodes.' } },
    },
    async () => {
      const { nodes: found, unassigned } = await nodes.list()
      return { data: found.map(viewNode), unassigned: viewShare(unassigned) }
    },
  )
}

const viewShare = ({ partitions, backlog }: Share) => ({ partitions: [...partitions], backlog })

function viewNode({ id, state, isThis, seenAtMs, report, ...share }: Node): NodeView {
  return {
    id,
    state,
    answered: isThis,
    version: report?.version ?? null,
    role: report?.role ?? null,
    host: report?.host ?? null,
    pid: report?.pid ?? null,
    startedAt: timeOrNull(report?.startedAtMs ?? null),
    seenAt: timeOrNull(seenAtMs),
    ...viewShare(share),
    load: state === 'lost' ? null : (report?.load ?? null),
  }
}
