import type { Dictionary, PartialTranslation } from '../translated.ts'
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
import { overview } from './overview.ts'
import { register } from './register.ts'
import { shell } from './shell.ts'

/** All that the portal says, in German. What is missing is said in English: `translations.test.ts` lists it. */
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
  overview,
  register,
  shell,
} satisfies Words

type Words = {
  readonly catalogue: PartialTranslation<typeof import('../en/catalogue.ts').catalogue>
  readonly common: PartialTranslation<typeof import('../en/common.ts').common>
  readonly deliveries: PartialTranslation<typeof import('../en/deliveries.ts').deliveries>
  readonly endpoint: PartialTranslation<typeof import('../en/endpoint.ts').endpoint>
  readonly endpointChange: PartialTranslation<typeof import('../en/endpoint-change.ts').endpointChange>
  readonly endpoints: PartialTranslation<typeof import('../en/endpoints.ts').endpoints>
  readonly attemptErrors: PartialTranslation<typeof import('../en/errors.ts').attemptErrors>
  readonly menders: PartialTranslation<typeof import('../en/errors.ts').menders>
  readonly otherError: PartialTranslation<typeof import('../en/errors.ts').otherError>
  readonly eventTypes: PartialTranslation<typeof import('../en/event-types.ts').eventTypes>
  readonly events: PartialTranslation<typeof import('../en/events.ts').events>
  readonly failures: PartialTranslation<typeof import('../en/failures.ts').failures>
  readonly payload: PartialTranslation<typeof import('../en/payload.ts').payload>
  readonly secrets: PartialTranslation<typeof import('../en/secrets.ts').secrets>
  readonly typesField: PartialTranslation<typeof import('../en/types-field.ts').typesField>
  readonly urlField: PartialTranslation<typeof import('../en/url-field.ts').urlField>
  readonly overview: PartialTranslation<typeof import('../en/overview.ts').overview>
  readonly register: PartialTranslation<typeof import('../en/register.ts').register>
  readonly shell: PartialTranslation<typeof import('../en/shell.ts').shell>
}

export const dictionary: Dictionary = words
