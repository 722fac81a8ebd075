import { Type } from 'typebox'
import { MAX_ANSWER_BODY_CHARACTERS, MAX_ANSWER_HEADER_CHARACTERS } from '../../base/listener-request.ts'
import type { ListenerAnswers } from '../../services/listeners/answers.ts'
import type { Routes } from '../http/routes.ts'
import { Gone, ItemParams, NoQuery, strict } from '../http/shapes.ts'
import { type Public, resource } from '../resource.ts'
import examples from './listeners.examples.json' with { type: 'json' }

const MAX_HEADERS = 100
/** A timeout is shorter. */
const MAX_DURATION_MS = 120_000
/** Everything in it escaped. */
const MAX_BODY_BYTES = 6 * (MAX_ANSWER_BODY_CHARACTERS + MAX_ANSWER_HEADER_CHARACTERS) + 4_096

const AnswerInput = strict({
  attempt: Type.Integer({
    minimum: 1,
    maximum: 1_000_000,
    description: "The attempt's number, as the request had it.",
  }),
  status: Type.Integer({
    minimum: 200,
    maximum: 599,
    description:
      'The HTTP status of the response. 2xx is a success. If your receiver cannot be reached, answer 502; if it takes ' +
      'too long, 504.',
    examples: [200],
  }),
  headers: Type.Optional(
    Type.Array(Type.Array(Type.String(), { minItems: 2, maxItems: 2 }), {
      maxItems: MAX_HEADERS,
      description: 'Name and value of each response header. `Retry-After` is obeyed as it is of a URL.',
    }),
  ),
  body: Type.Optional(
    Type.String({
      maxLength: MAX_ANSWER_BODY_CHARACTERS,
      description: 'The response body as text, of which the first 16 KiB are kept.',
    }),
  ),
  truncated: Type.Optional(Type.Boolean({ description: 'Whether the body was longer. False by default.' })),
  durationMs: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: MAX_DURATION_MS,
      description: 'How long the response took, in milliseconds. By default, the time since the attempt started.',
    }),
  ),
})

type Needs = { readonly listenerAnswers: Public<ListenerAnswers> }

export const listenersResource = resource({
  tag: 'Listeners',
  components: [],
  examples,
  add(routes: Routes, { listenerAnswers }: Needs) {
    routes.post(
      '/v1/tenants/:tenant/deliveries/:id/response',
      {
        access: 'write',
        portal: 'endpoints',
        operationId: 'answerRequest',
        summary: 'Answer a request that a listener got',
        description:
          'Says what the response to an attempt was, for those who read its request from the stream (`listen`). It has ' +
          'the consequences of a response of a URL. The first answer counts: later ones, and those after the ' +
          "endpoint's timeout, are refused with `conflict`.",
        params: ItemParams,
        querystring: NoQuery,
        body: AnswerInput,
        maxBodyBytes: MAX_BODY_BYTES,
        response: { 204: { ...Gone, description: 'The answer was stored.' } },
        refusals: ['not_found', 'conflict'],
      },
      async ({ params: { tenant, id }, body: { attempt, ...answer } }, reply) => {
        await listenerAnswers.answer(tenant, id, attempt, answer)
        return reply.code(204).send(undefined)
      },
    )
  },
})
