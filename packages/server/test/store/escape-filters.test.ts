import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { idBytes, newId } from '../../src/base/ids.ts'
import type { PayloadFilter } from '../../src/base/model.ts'
import { compileFilter } from '../../src/catalogue/filter.ts'
import { takeSteps } from '../../src/store/migrate.ts'
import { MIGRATIONS } from '../../src/store/migrations/index.ts'
import * as firstRelease from '../catalogue/filter/first-release.ts'
import { engines, type Opened } from './engines.ts'

/** Filters of the first release, and how they are written since. */
const FILTERS: readonly (readonly [before: string | null, after: string | null])[] = [
  ['{"$type":["a"]}', '{"$$type":["a"]}'],
  ['{"$not":{"status":["a"]}}', '{"$$not":{"status":["a"]}}'],
  ['{"$$":{"$exists":[true]},"$":[1]}', '{"$$$":{"$$exists":[true]},"$$":[1]}'],
  [
    '{"anyOf":[{"a":{"anyOf":["$x",{"$b":["$c"]}]}},{"$ref":{"exists":true}}]}',
    '{"anyOf":[{"a":{"anyOf":["$x",{"$$b":["$c"]}]}},{"$$ref":{"exists":true}}]}',
  ],
  ['{"__proto__":{"$a":[1]},"$b":["\\u0000\\ud83d\\""]}', '{"__proto__":{"$$a":[1]},"$$b":["\\u0000\\ud83d\\""]}'],
  // Left as they are.
  ['{"a":["$x"],"b":{"prefix":"$"},"c$":["\\"$"]}', '{"a":["$x"],"b":{"prefix":"$"},"c$":["\\"$"]}'],
  ['{"status":["Quoted"],"n":{"gte":1e21}}', '{"status":["Quoted"],"n":{"gte":1e21}}'],
  [null, null],
]
const PAYLOADS = [
  {},
  { $type: 'a', $not: { status: 'a' }, $$: { $exists: true }, $: 1, $ref: 1, $b: '\0\ud83d"' },
  { status: 'a', a: '$x', b: '$', c$: '"$' },
  { a: { $b: '$c' }, $$type: 'a' },
  JSON.parse('{"__proto__":{"$a":1},"$b":"\\u0000\\ud83d\\""}'),
]

describe.each(engines())('filters stored by the first release on $name', engine => {
  let opened: Opened
  const ids = FILTERS.map(() => newId('ep', 1_000))

  beforeEach(async () => {
    opened = await engine.open(MIGRATIONS.slice(0, 1))
    const { run } = opened
    await run(`insert into tenant (id, metadata, version, created_ms) values ('acme', '{}', 9, 1)`)
    for (const [index, [before]] of FILTERS.entries()) {
      const id = idBytes(ids[index]!)
      await run(
        `insert into endpoint (id, tenant, partition, url, metadata, filter, headers, ordered, state, created_ms, updated_ms)
         values ($1, 'acme', 7, 'https://hooks.example.com', '{}', $2, '{}', 0, 'enabled', 1, 1)`,
        [id, before],
      )
      for (const until of [3, 6]) {
        await run(
          `insert into endpoint_selection (tenant, endpoint, until_version, from_version, filter)
           values ('acme', $1, $2, $3, $4)`,
          [id, until, until - 3, before],
        )
      }
    }
    // Deleted endpoints still tell why they did not get an event.
    await run('update endpoint set deleted_ms = 5 where id = $1', [idBytes(ids[1]!)])
  })
  afterEach(() => opened.close())
  afterAll(() => engine.stop())

  const filterTexts = async () => {
    const { store } = opened
    const current = (await store.read('readTenantConfiguration', { tenant: 'acme' }))!.endpoints
    const [first, second] = await Promise.all(
      [0, 5].map(version => store.read('readSelectionsAt', { tenant: 'acme', version })),
    )
    const of = (id: string) => [current.find(each => each.id === id), first!.get(id), second!.get(id)]
    return ids.map(id => of(id).map(each => each?.filterText))
  }

  it('are rewritten by the step that makes $ special, at endpoints and in what they wanted earlier', async () => {
    expect(await takeSteps(opened.store, systemClock)).toBe(MIGRATIONS.length - 1)
    const expected = FILTERS.map(([, after], index) => [index === 1 ? undefined : after, after, after])
    expect(await filterTexts()).toEqual(expected)
    expect(await takeSteps(opened.store, systemClock), 'and not again').toBe(0)
    expect(await filterTexts()).toEqual(expected)
  })

  it('keep their meaning', async () => {
    await takeSteps(opened.store, systemClock)
    const after = (await filterTexts()).map(([, text]) => text)
    for (const [index, [before]] of FILTERS.entries()) {
      if (before === null) continue
      const [was, is] = [
        firstRelease.compileFilter(JSON.parse(before)),
        compileFilter(JSON.parse(after[index]!) as PayloadFilter),
      ]
      expect(PAYLOADS.map(is), before).toEqual(PAYLOADS.map(was))
    }
  })
})
