import { Type } from 'typebox'
import type { KeyRotation } from '../../services/key-rotation.ts'
import type { Routes } from '../http/routes.ts'
import { NoBody, NoQuery, ref, Word } from '../http/shapes.ts'
import { type Public, resource } from '../resource.ts'

const EncryptionKeysSchema = Type.Object(
  {
    keys: Type.Array(Type.String(), { description: 'Names of the encryption keys, the one that encrypts first.' }),
    state: Word(['idle', 'running', 'done', 'failed', 'interrupted'] as const, {
      description: 'Of the newest rotation; interrupted: its node was stopped, begin it again.',
    }),
    resealed: Type.Integer({ description: 'Endpoints whose secrets were encrypted anew.' }),
    unreadable: Type.Integer({ description: 'Endpoints whose secrets no key opens; give each a new clientSecret.' }),
  },
  { $id: 'EncryptionKeys' },
)

const Shown = (description: string) => ({ ...ref(EncryptionKeysSchema), description })

type Needs = { readonly keyRotation: Public<KeyRotation> }

export const encryptionKeysResource = resource({
  tag: 'Operations',
  components: [EncryptionKeysSchema],
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
      summary: 'See which encryption keys are in use',
      querystring: NoQuery,
      response: { 200: Shown('The keys, by name alone.') },
    },
    () => keyRotation.read(),
  )

  routes.post(
    '/v1/encryption-keys/rotate',
    {
      access: 'operator',
      operationId: 'rotateEncryptionKey',
      summary: 'Encrypt all secrets with another key',
      description: 'In the background, while everything goes on. See docs/keys.md.',
      querystring: NoQuery,
      body: NoBody,
      response: { 202: Shown('It has begun.') },
      refusals: ['conflict'],
    },
    async ({ actor }, reply) => reply.code(202).send(await keyRotation.start(actor)),
  )
}
