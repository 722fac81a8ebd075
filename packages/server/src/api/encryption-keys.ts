import type { RotationState } from '../services/key-rotation.ts'
import { readProblems, writeProblems } from './schemas/problems.ts'
import { NoBody, NoQuery, ref } from './schemas/shapes.ts'
import type { Api, Services } from './services.ts'

const tags = ['Operations']

const Keys = (description: string) => ({ ...ref<RotationState>('EncryptionKeys'), description })

export function addEncryptionKeys(api: Api, { keyRotation }: Services): void {
  api.get(
    '/encryption-keys',
    {
      schema: {
        operationId: 'getEncryptionKeys',
        summary: 'See which encryption keys are in use',
        tags,
        querystring: NoQuery,
        response: { 200: Keys('The keys, by name alone.'), ...readProblems() },
      },
    },
    () => keyRotation.read(),
  )

  api.post(
    '/encryption-keys/rotate',
    {
      schema: {
        operationId: 'rotateEncryptionKey',
        summary: 'Encrypt all secrets with another key',
        tags,
        description: 'In the background, while everything goes on. See docs/keys.md.',
        querystring: NoQuery,
        body: NoBody,
        response: { 202: Keys('It has begun.'), ...writeProblems('conflict') },
      },
    },
    async ({ actor }, reply) => reply.code(202).send(await keyRotation.start(actor)),
  )
}
