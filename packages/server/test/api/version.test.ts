import { expect, it } from 'vitest'
import { useApi } from './setup.ts'

const bench = useApi()
const versionIn = async (...args: Parameters<typeof bench.get>) =>
  (await bench.get(...args)).headers['posthorn-version']

it('callers with a key learn the version from every response, those without from none', async () => {
  expect(await versionIn('/v1/event-types')).toBe('0.0.0-test')
  expect(await versionIn('/v1/tenants/nowhere')).toBe('0.0.0-test')
  expect(await versionIn('/v1/nowhere')).toBe('0.0.0-test')
  expect(await versionIn('/v1/event-types', { key: null })).toBeUndefined()
  expect(await versionIn('/v1/event-types', { key: 'wrong' })).toBeUndefined()
  expect(await versionIn('/healthz', { key: null })).toBeUndefined()
})

it('an unknown path is told from an unknown id by its reason', async () => {
  const { body } = await bench.get('/v1/nowhere')
  expect(body).toMatchObject({ code: 'not_found', errors: [{ field: '', reason: 'unknown_path' }] })
  expect((await bench.get('/v1/tenants/nowhere')).body).not.toHaveProperty('errors')
})
