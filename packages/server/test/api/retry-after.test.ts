/** What an attempt says about a `Retry-After` that is not obeyed, as a receiver sent it over TLS. */
import { describe, expect, it } from 'vitest'
import { SECRET } from '../services/setup.ts'
import { ENDPOINTS, useSending, WAIT } from './sending.ts'

const bench = useSending(({ path, headers }) => {
  const [, status, value] = /^\/(\d+)\/(.*)$/.exec(decodeURIComponent(path))!
  const header = value === 'secret' ? headers.authorization!.slice('Bearer '.length) : value!
  return { status: Number(status), headers: { 'retry-after': header } }
})
const { get, create } = bench

describe('C12: an attempt', () => {
  it.each([
    ['503', '1780272000', 'retry_after_since_1970', /\(1780272000\)/, 0],
    ['429', '-1', 'retry_after_negative', /\(-1\)/, 0],
    ['503', '1.5', 'retry_after_fractional', /\(1\.5\)/, 0],
    ['503', '864000', 'retry_after_too_long', /\(Retry-After: 864000\)\. Posthorn pauses for a day/, 86_400_000],
    ['429', 'in a while', 'retry_after_malformed', /^(?!.*while).* neither /, 0],
    ['503', 'secret', 'retry_after_malformed', /^(?!.*\[secret\]).* neither /, 0],
    ['503', '60', null, null, 60_000],
    ['500', '-1', null, null, 0],
  ])('with %i says how Retry-After: %s was read', async (status, value, detail, explanation, waitMs) => {
    const id = await create(`/${status}/${value}`)
    const { attempts } = await bench.publishAndWait()
    expect(attempts).toMatchObject([{ status: Number(status), detail }])
    if (explanation === null) expect(attempts[0].explanation).toBeNull()
    else expect(attempts[0].explanation).toMatch(explanation)
    expect(JSON.stringify(attempts)).not.toContain(SECRET)
    const pausedUntil = async () => (await get(`${ENDPOINTS}/${id}`)).body.pausedUntil
    if (waitMs === 0) expect(await pausedUntil()).toBeNull()
    else await expect.poll(pausedUntil, WAIT).not.toBeNull()
    const endedAtMs = Date.parse(attempts[0].startedAt) + attempts[0].durationMs
    if (waitMs > 0) expect(Math.abs(Date.parse(await pausedUntil()) - endedAtMs - waitMs)).toBeLessThan(5_000)
  })
})
