/**
 * The types of the events that Posthorn publishes about itself (docs/operational-events.md). They are built in, not
 * part of the catalogue: no one can change, delete or publish them, and "all types" doesn't include them.
 */
import type { EventType } from '../base/model.ts'

const GROUP = 'Posthorn'
const text = { type: 'string' } as const
const time = { type: 'string', format: 'date-time' } as const
const TIME = '2026-06-01T00:00:00.000Z'
const ENDPOINT = 'ep_01jy4k8v3xf0c8wq2rn5s7t9ab'

function operational(name: string, description: string, properties: Members, example: object): EventType {
  const schema = objectOf(properties)
  return { name: `posthorn.${name}`, group: GROUP, description, schema, example, schedule: null, archivedAtMs: null }
}

type Members = Readonly<Record<string, object>>

/** An object schema that requires all of its properties. */
const objectOf = (properties: Members) => ({ type: 'object', required: Object.keys(properties), properties })

const textOrNull = { type: ['string', 'null'] } as const

/** What is reported about a delivery that failed (background/failure-notices.ts). */
const failure = {
  key: textOrNull,
  payload: {},
  payloadOmitted: { type: 'boolean' },
  lastAttempt: {
    ...objectOf({
      at: time,
      durationMs: { type: 'integer' },
      status: { type: ['integer', 'null'] },
      error: text,
      responseHeaders: {
        type: 'array',
        items: { type: 'array', minItems: 2, maxItems: 2, items: text },
      },
      responseBody: text,
      responseTruncated: { type: 'boolean' },
    }),
    type: ['object', 'null'],
  },
} as const

/** The same, where one delivery is meant: the last that failed, each null where none is known. */
const lastFailed = { delivery: textOrNull, event: textOrNull, type: textOrNull, ...failure } as const

const DELIVERY = {
  delivery: 'dlv_01jy4k8v3xf0c8wq2rn5s7t9ac',
  event: 'evt_01jy4k8v3xf0c8wq2rn5s7t9ad',
  type: 'COVER_REFERENCE',
}
const FAILURE = {
  key: 'cover-7',
  payload: { CoverId: '564200aa-7128-4a26-83a8-cf0201903fcc' },
  payloadOmitted: false,
  lastAttempt: {
    at: '2026-05-31T23:59:59.750Z',
    durationMs: 250,
    status: 503,
    error: 'http_server_error',
    responseHeaders: [['content-type', 'text/plain']],
    responseBody: 'The database is full.',
    responseTruncated: false,
  },
}

const ofEndpoint = { tenant: text, endpoint: text }
const THE_ENDPOINT = { tenant: 'acme', endpoint: ENDPOINT }

/** By name. */
export const OPERATIONAL_TYPES: readonly EventType[] = [
  operational(
    'delivery.exhausted',
    'Deliveries to an endpoint used up all attempts: their number since the last such event, up to 20 of them, and ' +
      'the payload and the last attempt of the first.',
    {
      ...ofEndpoint,
      count: { type: 'integer', minimum: 1 },
      deliveries: {
        type: 'array',
        maxItems: 20,
        items: objectOf({ delivery: text, event: text, type: text, key: textOrNull }),
      },
      firstAt: time,
      lastAt: time,
      ...failure,
    },
    {
      ...THE_ENDPOINT,
      count: 1,
      deliveries: [{ ...DELIVERY, key: FAILURE.key }],
      firstAt: TIME,
      lastAt: TIME,
      ...FAILURE,
    },
  ),
  operational(
    'endpoint.disabled',
    'An endpoint was disabled: by a call (manual), by its receiver with 410 (gone), or after days of failures (failing).',
    { ...ofEndpoint, reason: { enum: ['manual', 'gone', 'failing'] }, disabledAt: time, ...lastFailed },
    { ...THE_ENDPOINT, reason: 'failing', disabledAt: TIME, ...DELIVERY, ...FAILURE },
  ),
  operational(
    'endpoint.failing',
    'By default: all attempts at an endpoint have failed for 1, 2 or 4 days; after five days it is disabled.',
    {
      ...ofEndpoint,
      days: { type: 'number' },
      failingSince: time,
      lastFailureAt: time,
      disablesAt: { type: ['string', 'null'], format: 'date-time' },
      ...lastFailed,
    },
    {
      ...THE_ENDPOINT,
      days: 1,
      failingSince: TIME,
      lastFailureAt: '2026-06-02T00:00:10.000Z',
      disablesAt: '2026-06-06T00:00:00.000Z',
      ...DELIVERY,
      ...FAILURE,
    },
  ),
  operational(
    'node.lost',
    'A node stopped responding without a shutdown. Other nodes now send for its endpoints, or it has restarted.',
    { node: text, leaseEndedAt: { type: ['string', 'null'], format: 'date-time' }, noticedAt: time },
    { node: '8d0f6cfa8fd54ae59f6c1a2b3c4d5e6f', leaseEndedAt: TIME, noticedAt: '2026-06-01T00:00:00.020Z' },
  ),
  operational(
    'replay.finished',
    'A replay has created all its deliveries, or was cancelled.',
    {
      tenant: text,
      replay: text,
      key: { type: ['string', 'null'] },
      state: { enum: ['done', 'cancelled'] },
      deliveries: { type: 'integer' },
      finishedAt: time,
    },
    {
      tenant: 'acme',
      replay: 'rpl_01jy4k8v3xf0c8wq2rn5s7t9ab',
      key: 'outage-2026-06-01',
      state: 'done',
      deliveries: 1200,
      finishedAt: TIME,
    },
  ),
  operational(
    'secret.expiring',
    "An endpoint's secret expires within 30, 7 or 1 days: a clientSecret that is a JWT, or a client certificate.",
    {
      ...ofEndpoint,
      secret: { enum: ['clientSecret', 'clientCertificate'] },
      days: { enum: [30, 7, 1] },
      expiresAt: time,
    },
    { ...THE_ENDPOINT, secret: 'clientSecret', days: 30, expiresAt: '2026-07-01T00:00:00.000Z' },
  ),
  operational(
    'secret.replaced',
    "One or more of an endpoint's secrets were replaced.",
    {
      ...ofEndpoint,
      secrets: {
        type: 'array',
        minItems: 1,
        items: { enum: ['clientSecret', 'signingSecret', 'clientCertificate', 'oauth', 'headers'] },
      },
      replacedAt: time,
    },
    { ...THE_ENDPOINT, secrets: ['clientSecret'], replacedAt: TIME },
  ),
]

const BY_NAME: ReadonlyMap<string, EventType> = new Map(OPERATIONAL_TYPES.map(type => [type.name, type]))

export const operationalType = (name: string): EventType | undefined => BY_NAME.get(name)
