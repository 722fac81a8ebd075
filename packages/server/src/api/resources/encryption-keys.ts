import { Type } from 'typebox'
import type { KeyRotation, RotationState } from '../../services/key-rotation.ts'
import type { Routes } from '../http/routes.ts'
import { NoBody, NoQuery, ref, Word } from '../http/shapes.ts'
import { type Public, resource } from '../resource.ts'
import examples from './encryption-keys.examples.json' with { type: 'json' }

const EncryptionKeysSchema = Type.Object(
  {
    keys: Type.Array(Type.String(), {
      description: 'Names of the encryption keys. The first one encrypts; the others only decrypt.',
    }),
    state: Word(['idle', 'running', 'done', 'failed', 'interrupted'] as const, {
      description: 'State of the latest rotation. `interrupted`: its node stopped before it finished; start it again.',
    }),
    resealed: Type.Integer({ description: 'Number of endpoints whose secrets have been re-encrypted.' }),
    unreadable: Type.Integer({
      description: 'Number of endpoints whose secrets no key can decrypt. Set a new clientSecret for each of them.',
    }),
  },
  { $id: 'EncryptionKeys' },
)

const Shown = (description: string) => ({ ...ref(EncryptionKeysSchema), description })

type Needs = { readonly keyRotation: Public<KeyRotation> }

export const encryptionKeysResource = resource({
  tag: 'Operations',
  components: [EncryptionKeysSchema],
  examples,
  add(routes, services: Needs) {
    addRotation(routes, services)
  },
})

function addRotation(routes: Routes, { keyRotation }: Needs): void {
  routes.get(
    '/v1/encryption-keys',
    {
      access: 'operator',
      operationId: 'getEncryptionKeys',
      summary: 'List the encryption keys in use',
      querystring: NoQuery,
      response: { 200: Shown('The names of the keys, and the latest rotation.') },
    },
    () => keyRotation.read(),
  )

  routes.post(
    '/v1/encryption-keys/rotate',
    {
      access: 'operator',
      makes: true,
      operationId: 'rotateEncryptionKey',
      summary: 'Re-encrypt all secrets with another key',
      description: 'Runs in the background while Posthorn keeps working. See docs/keys.md.',
      querystring: NoQuery,
      body: NoBody,
      response: { 202: Shown('The rotation has started.') },
      refusals: ['conflict'],
    },
    async ({ actor, once }, reply) => reply.code(202).send(await keyRotation.start(actor, once?.keeping(started))),
  )
}

const started = (body: RotationState) => ({ status: 202, body })
