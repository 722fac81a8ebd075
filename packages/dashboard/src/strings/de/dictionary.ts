import type { OPERATORS } from '../operators.ts'
import type { Dictionary, Translation } from '../translated.ts'
import { catalogue } from './catalogue.ts'
import { common } from './common.ts'
import { deliveries } from './deliveries.ts'
import { endpoint } from './endpoint.ts'
import { endpointChange } from './endpoint-change.ts'
import { endpoints } from './endpoints.ts'
import { attemptErrors, menders, otherError } from './errors.ts'
import { eventTypes } from './event-types.ts'
import { events } from './events.ts'
import { failures, payload, secrets, typesField, urlField } from './fields.ts'
import { firstSteps } from './first-steps.ts'
import { json } from './json.ts'
import { listen } from './listen.ts'
import { notifications } from './notifications.ts'
import { overview } from './overview.ts'
import { publicTypes } from './public-types.ts'
import { register } from './register.ts'
import { replays } from './replays.ts'
import { shell } from './shell.ts'

/** All that the portal says, in German. */
const words = {
  catalogue,
  common,
  deliveries,
  endpoint,
  endpointChange,
  endpoints,
  attemptErrors,
  menders,
  otherError,
  eventTypes,
  events,
  failures,
  payload,
  secrets,
  typesField,
  urlField,
  firstSteps,
  json,
  listen,
  notifications,
  overview,
  publicTypes,
  register,
  replays,
  shell,
} satisfies Words

type Of<Section extends keyof typeof OPERATORS> = (typeof OPERATORS)[Section][number]

type Words = {
  readonly catalogue: Translation<typeof import('../en/catalogue.ts').catalogue>
  readonly common: Translation<typeof import('../en/common.ts').common, Of<'common'>>
  readonly deliveries: Translation<typeof import('../en/deliveries.ts').deliveries, Of<'deliveries'>>
  readonly endpoint: Translation<typeof import('../en/endpoint.ts').endpoint>
  readonly endpointChange: Translation<typeof import('../en/endpoint-change.ts').endpointChange>
  readonly endpoints: Translation<typeof import('../en/endpoints.ts').endpoints, Of<'endpoints'>>
  readonly attemptErrors: Translation<typeof import('../en/errors.ts').attemptErrors, Of<'attemptErrors'>>
  readonly menders: Translation<typeof import('../en/errors.ts').menders>
  readonly otherError: Translation<typeof import('../en/errors.ts').otherError>
  readonly eventTypes: Translation<typeof import('../en/event-types.ts').eventTypes, Of<'eventTypes'>>
  readonly events: Translation<typeof import('../en/events.ts').events, Of<'events'>>
  readonly failures: Translation<typeof import('../en/failures.ts').failures>
  readonly payload: Translation<typeof import('../en/payload.ts').payload>
  readonly secrets: Translation<typeof import('../en/secrets.ts').secrets>
  readonly typesField: Translation<typeof import('../en/types-field.ts').typesField>
  readonly urlField: Translation<typeof import('../en/url-field.ts').urlField>
  readonly firstSteps: Translation<typeof import('../en/first-steps.ts').firstSteps>
  readonly json: Translation<typeof import('../en/json.ts').json>
  readonly listen: Translation<typeof import('../en/listen.ts').listen>
  readonly notifications: Translation<typeof import('../en/notifications.ts').notifications, Of<'notifications'>>
  readonly overview: Translation<typeof import('../en/overview.ts').overview, Of<'overview'>>
  readonly publicTypes: Translation<typeof import('../en/public-types.ts').publicTypes>
  readonly register: Translation<typeof import('../en/register.ts').register, Of<'register'>>
  readonly replays: Translation<typeof import('../en/replays.ts').replays, Of<'replays'>>
  readonly shell: Translation<typeof import('../en/shell.ts').shell, Of<'shell'>>
}

export const dictionary: Dictionary = words
