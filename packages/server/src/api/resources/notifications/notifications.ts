/** Who is told by mail or chat of what happens to a tenant's endpoints, and the links in their messages (decision 55). */
import { type Static, Type } from 'typebox'
import {
  NOTIFICATION_KINDS,
  NOTIFICATION_LANGUAGES,
  type Notification,
  OPERATOR_NOTIFICATION_TYPES,
} from '../../../base/notification.ts'
import type { Notifications } from '../../../services/notifications/notifications.ts'
import { newestFirst, PageQuery } from '../../http/lists.ts'
import type { Routes } from '../../http/routes.ts'
import {
  Gone,
  NoBody,
  NoQuery,
  objectOrNull,
  pageOf,
  ref,
  strict,
  TenantParams,
  Time,
  TimeOrNull,
  time,
  Word,
} from '../../http/shapes.ts'
import type { ApiOptions } from '../../options.ts'
import { type Public, resource } from '../../resource.ts'
import { addLinks } from './links.ts'
import examples from './notifications.examples.json' with { type: 'json' }

const Types = (description: string) => Type.Array(Word(OPERATOR_NOTIFICATION_TYPES), { description })

const NotificationSchema = Type.Object(
  {
    id: Type.String({ examples: ['ntf_01jy4k8v3xf0c8wq2rn5s7t9ab'] }),
    tenant: Type.String({ description: 'Whose endpoints it tells about. `posthorn`: those of all tenants.' }),
    kind: Word(NOTIFICATION_KINDS, { description: 'By mail, or to an incoming webhook of Slack or Teams.' }),
    address: Type.String({
      description: "The mail address, or the origin of the webhook's URL, whose path is secret.",
    }),
    types: Types('The operational events that it tells of.'),
    language: Word(NOTIFICATION_LANGUAGES, { description: 'The language of its messages.' }),
    state: Word(['unconfirmed', 'confirmed'] as const, {
      description: 'Nothing but the request to confirm it is sent to an address that is not confirmed.',
    }),
    confirmedAt: TimeOrNull('When someone at the address confirmed it. Null if no one has yet.'),
    confirmUntil: TimeOrNull('When it is removed unless it is confirmed. Null if it is confirmed.'),
    lastSentAt: TimeOrNull('When the last message was sent, including tests. Null if none was.'),
    lastFailure: objectOrNull(
      {
        at: Time('When sending failed.'),
        reason: Type.String({ description: 'Such as `smtp 550` or `http 404`.' }),
      },
      'Why the last message could not be sent. Null if it was, or there was none.',
    ),
    createdAt: Time('When the notification was created.'),
  },
  { $id: 'Notification' },
)

type NotificationView = Static<typeof NotificationSchema>

const CreateInput = strict({
  kind: Word(NOTIFICATION_KINDS, {
    description: 'How it tells: by `email`, or to an incoming webhook of `slack` or `teams`.',
  }),
  address: Type.String({
    minLength: 1,
    maxLength: 2_048,
    description: 'The mail address, or the URL of the incoming webhook.',
  }),
  types: Type.Optional(
    Type.Array(Type.String(), {
      maxItems: 16,
      description: `The operational events to tell of. Defaults to all of them. Only the tenant \`posthorn\` can be told of \`posthorn.node.lost\`.`,
    }),
  ),
  language: Type.Optional(
    Word(NOTIFICATION_LANGUAGES, { description: 'The language of its messages: `en` or `de`. Defaults to `en`.' }),
  ),
})

const UpdateInput = strict({
  types: Type.Optional(
    Type.Array(Type.String(), { maxItems: 16, description: 'The operational events to tell of, at least one.' }),
  ),
  language: Type.Optional(Word(NOTIFICATION_LANGUAGES, { description: 'The language of its messages.' })),
})

const Params = strict({ tenant: Type.String(), id: Type.String() })

type Needs = { readonly notifications: Public<Notifications> }

export const notificationsResource = resource({
  tag: 'Notifications',
  components: [NotificationSchema],
  examples,
  add(routes, services: Needs, options: ApiOptions) {
    addCreating(routes, services)
    addReading(routes, services)
    addChanging(routes, services)
    addLinks(routes, services, options)
  },
})

function addCreating(routes: Routes, { notifications }: Needs): void {
  routes.post(
    '/v1/tenants/:tenant/notifications',
    {
      access: 'write',
      portal: 'endpoints',
      operationId: 'createNotification',
      summary: 'Tell someone by mail or chat what happens to endpoints',
      description:
        'Sends a request to confirm the address, with a link. Nothing else is sent until someone there has confirmed it. ' +
        'The tenant `posthorn` is the operator, who is told about all tenants.',
      params: TenantParams,
      querystring: NoQuery,
      body: CreateInput,
      response: { 201: { ...ref(NotificationSchema), description: 'The notification, not confirmed yet.' } },
      refusals: ['not_found', 'conflict'],
    },
    async ({ params: { tenant }, body, actor }, reply) =>
      reply.code(201).send(view(await notifications.create(tenant, body, actor))),
  )

  routes.post(
    '/v1/tenants/:tenant/notifications/:id/confirmation',
    {
      access: 'write',
      portal: 'endpoints',
      operationId: 'requestConfirmation',
      summary: 'Send the request to confirm an address again',
      description: 'At most three requests a day are sent to one address, whichever tenant asks for them.',
      params: Params,
      querystring: NoQuery,
      body: NoBody,
      response: { 202: { ...ref(NotificationSchema), description: 'The notification.' } },
      refusals: ['not_found', 'conflict'],
    },
    async ({ params: { tenant, id } }, reply) =>
      reply.code(202).send(view(await notifications.requestConfirmation(tenant, id))),
  )

  routes.post(
    '/v1/tenants/:tenant/notifications/:id/test',
    {
      access: 'write',
      portal: 'endpoints',
      operationId: 'testNotification',
      summary: 'Send a test message to a confirmed address',
      description:
        'Sends it once, without retries. `lastSentAt` or `lastFailure` of the notification then say how that ended. At ' +
        'most five an hour.',
      params: Params,
      querystring: NoQuery,
      body: NoBody,
      response: { 202: { ...ref(NotificationSchema), description: 'The notification.' } },
      refusals: ['not_found', 'conflict'],
    },
    async ({ params: { tenant, id } }, reply) =>
      reply.code(202).send(view(await notifications.requestTest(tenant, id))),
  )
}

function addReading(routes: Routes, { notifications }: Needs): void {
  routes.get(
    '/v1/tenants/:tenant/notifications',
    {
      access: 'read',
      portal: 'endpoints',
      operationId: 'listNotifications',
      summary: "List a tenant's notifications, newest first",
      params: TenantParams,
      querystring: strict(PageQuery),
      response: { 200: pageOf(NotificationSchema, 'A page of notifications.') },
      refusals: ['not_found'],
    },
    async ({ params: { tenant }, query }) => {
      const pager = newestFirst('ntf', query)
      const found = await notifications.list(tenant, { ...pager.place, limit: pager.count })
      return pager.page(found, ({ id }) => id, view)
    },
  )

  routes.get(
    '/v1/tenants/:tenant/notifications/:id',
    {
      access: 'read',
      portal: 'endpoints',
      operationId: 'getNotification',
      summary: 'Get a notification',
      params: Params,
      querystring: NoQuery,
      response: { 200: { ...ref(NotificationSchema), description: 'The notification.' } },
      refusals: ['not_found'],
    },
    async ({ params: { tenant, id } }) => view(await notifications.get(tenant, id)),
  )
}

function addChanging(routes: Routes, { notifications }: Needs): void {
  routes.patch(
    '/v1/tenants/:tenant/notifications/:id',
    {
      access: 'write',
      portal: 'endpoints',
      operationId: 'updateNotification',
      summary: 'Change what a notification tells of, or its language',
      description: 'To change the address, create another notification.',
      params: Params,
      querystring: NoQuery,
      body: UpdateInput,
      response: { 200: { ...ref(NotificationSchema), description: 'The notification.' } },
      refusals: ['not_found'],
    },
    async ({ params: { tenant, id }, body, actor }) => view(await notifications.update(tenant, id, body, actor)),
  )

  routes.delete(
    '/v1/tenants/:tenant/notifications/:id',
    {
      access: 'write',
      portal: 'endpoints',
      operationId: 'deleteNotification',
      summary: 'Delete a notification',
      params: Params,
      querystring: NoQuery,
      response: { 204: Gone },
      refusals: ['not_found'],
    },
    async ({ params: { tenant, id }, actor }, reply) => {
      await notifications.delete(tenant, id, actor)
      return reply.code(204).send(undefined)
    },
  )
}

function view(notification: Notification): NotificationView {
  const { id, tenant, kind, shown, types, language, confirmedAtMs, confirmUntilMs, sentAtMs, failure, createdAtMs } =
    notification
  return {
    id,
    tenant,
    kind,
    address: shown,
    types: [...types],
    language,
    state: confirmedAtMs === null ? 'unconfirmed' : 'confirmed',
    confirmedAt: confirmedAtMs === null ? null : time(confirmedAtMs),
    confirmUntil: confirmedAtMs === null ? time(confirmUntilMs) : null,
    lastSentAt: sentAtMs === null ? null : time(sentAtMs),
    lastFailure: failure === null ? null : { at: time(failure.atMs), reason: failure.reason },
    createdAt: time(createdAtMs),
  }
}
