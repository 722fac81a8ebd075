import { randomBytes } from 'node:crypto'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RunOptions, runPosthorn, startServer, type TestServer } from '../setup.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.end())

const ID = '564200aa-7128-4a26-83a8-cf0201903fcc'
const PAYLOAD = `{ "CoverId": "${ID}", "n": 1.0, "1": 12345678901234567890 }`
const eventLine = (members = '') => `{"type":"COVER_REFERENCE","payload":${PAYLOAD}${members}}`

/** A tenant of its own, and `posthorn publish` for it. */
async function stage() {
  const tenant = `tenant-${randomBytes(4).toString('hex')}`
  await server.posthorn.tenants.put(tenant)
  const publish = (args: readonly string[], options: RunOptions = {}) =>
    runPosthorn(['publish', ...args], { env: { ...server.env, POSTHORN_TENANT: tenant }, ...options })
  const file = join(server.folder, `${tenant}.ndjson`)
  const events = async (of = tenant) => (await server.posthorn.events.list(of, { limit: 1_000 })).data
  return { tenant, publish, file, events }
}

describe('posthorn publish with one event', () => {
  it('sends the payload as it is written, from an argument, a file or standard input', async () => {
    const { tenant, publish, file, events } = await stage()
    writeFileSync(file, `\ufeff${PAYLOAD}\n`)
    const given = [[PAYLOAD], [`@${file}`], ['-']]
    for (const [payload] of given) {
      const ran = await publish(['COVER_REFERENCE', payload!], { input: PAYLOAD })
      expect([ran.code, ran.stdout]).toEqual([0, expect.stringMatching(/^evt_\w+, with 0 deliveries\.\n$/)])
    }
    const found = await events()
    expect(found).toHaveLength(3)
    for (const { id } of found) {
      const response = await fetch(`${server.url}/v1/tenants/${tenant}/events/${id}`, {
        headers: { authorization: `Bearer ${server.env.POSTHORN_API_KEY}` },
      })
      expect(await response.text()).toContain(PAYLOAD)
    }
  })

  it('adds nothing with a key that was used before, and says so', async () => {
    const { publish, events } = await stage()
    const args = ['COVER_REFERENCE', PAYLOAD, '--key', 'order-7']
    const [first] = (await publish([...args, '--json'])).documents() as { id: string }[]
    expect((await publish(args)).stdout).toBe(`${first!.id} was published before with this key. Nothing was added.\n`)
    expect(await events()).toEqual([expect.objectContaining({ id: first!.id, key: 'order-7' })])
  })

  it.each([
    [['COVER_REFERENCES', '{}'], 1, 'Did you mean `COVER_REFERENCE`'],
    [['COVER_REFERENCE', '{'], 2, 'The payload is not JSON'],
    [['COVER_REFERENCE', '-'], 2, 'Standard input is not JSON'],
    [['COVER_REFERENCE'], 2, 'The payload is missing'],
    [['COVER_REFERENCE', '{}', '--rate', '5'], 2, '--rate is for many events'],
    [['--key', 'a'], 2, '--key is for one event'],
    [['--rate', '0'], 2, 'more than 0'],
    [['--run', 'a/b'], 2, "can't be the name of a run"],
    [['--resume', 'nothing'], 5, 'There is no run nothing here'],
    [['--resume', 'a', '--run', 'b'], 2, '--resume continues'],
    [['--file', '/none/there'], 1, '/none/there cannot be opened'],
    [['--file', tmpdir()], 2, 'cannot be read: it is a folder'],
  ])('%j is refused', async (args, code, words) => {
    const { publish } = await stage()
    const ran = await publish(args)
    expect([ran.code, ran.stderr]).toEqual([code, expect.stringContaining(words)])
  })
})

describe('posthorn publish with a file', () => {
  it('publishes lines for their tenants, with their keys or those of the run', async () => {
    const [{ tenant, publish, file, events }, other] = [await stage(), await stage()]
    const lines = [eventLine(), '', eventLine(',"key":"own"'), eventLine(`,"tenant":"${other.tenant}"`)]
    writeFileSync(file, lines.join('\r\n'))
    const ran = await publish(['--file', file, '--run', tenant])
    expect([ran.code, ran.stdout]).toEqual([0, expect.stringMatching(/^All lines: 3 accepted\. \d+ s\.\n$/)])
    expect((await events()).map(({ key }) => key).sort()).toEqual(['own', `${tenant}:1`])
    expect((await events(other.tenant)).map(({ key }) => key)).toEqual([`${tenant}:4`])
    expect(await publish(['--resume', tenant])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('has finished'),
    })
    expect((await publish(['--file', file, '--run', tenant])).stderr).toContain('has finished')
  })

  it('stops before a bad line, and continues with it once it is corrected', async () => {
    const { tenant, publish, file, events } = await stage()
    const head = `${eventLine()}\n${eventLine()}\n`
    writeFileSync(file, `${head}{"type":"COVER_REFERENCE"}\n${eventLine()}\n`)
    const stopped = await publish(['--file', file, '--run', tenant])
    expect(stopped).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^Lines up to 2: 2 accepted\./),
      stderr: expect.stringMatching(
        new RegExp(`Line 3 is broken: payload is missing\n.*\n {2}(npx )?posthorn publish --resume ${tenant}\n`),
      ),
    })
    const again = await publish(['--file', file])
    expect([again.code, again.stderr]).toEqual([2, expect.stringContaining(`publish --resume ${tenant}.`)])
    writeFileSync(file, `${head}${eventLine()}\n${eventLine()}\n`)
    expect(await publish(['--resume', tenant])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/: 4 accepted\./),
    })
    expect(await events()).toHaveLength(4)
  })

  it('counts each line once and reports the bad ones, with --on-error skip, as JSON too', async () => {
    const { tenant, publish, file, events } = await stage()
    await publish(['COVER_REFERENCE', PAYLOAD, '--key', 'before'])
    const bad = [
      'no JSON \u001b[2J',
      '{"type":"NONE","payload":{}}',
      '{"type":"COVER_REFERENCE","payload":{"CoverId":7}}',
    ]
    const good = [eventLine(',"key":"before"'), eventLine(), eventLine()]
    writeFileSync(file, [...bad, ...good, eventLine(',"tenant":"no-such-tenant"')].map(line => `${line}\n`).join(''))
    const ran = await publish(['--file', file, '--run', tenant, '--on-error', 'skip', '--json'])
    const [first, second, third, last, summary] = ran.documents()
    expect(ran.code).toBe(1)
    expect(first).toMatchObject({
      line: 1,
      outcome: 'broken',
      field: null,
      detail: expect.stringContaining('not JSON'),
    })
    expect(second).toMatchObject({ line: 2, outcome: 'refused', field: '/type' })
    expect(third).toMatchObject({ line: 3, outcome: 'refused', field: '/payload/CoverId' })
    expect(last).toMatchObject({ line: 7, outcome: 'refused', detail: 'The tenant was not found.' })
    expect(summary).toMatchObject({ run: tenant, finished: true, lastLine: 7, resume: null })
    expect(summary).toMatchObject({ accepted: 2, duplicates: 1, refused: 3, broken: 1 })
    expect(await events()).toHaveLength(3)
    const people = await publish(['--file', file, '--run', `${tenant}-2`, '--on-error', 'skip'], { columns: 40 })
    expect(people.stderr).toContain('\\u{1b}[2J')
    expect(people.stderr).not.toContain('\u001b')
  })

  it('notices another input, and one that is shorter', async () => {
    const { tenant, publish, file } = await stage()
    writeFileSync(file, `${eventLine()}\n${eventLine()}\nbroken\n`)
    await publish(['--file', file, '--run', tenant])
    const before = readFileSync(file, 'utf8')
    writeFileSync(file, before.replaceAll('1.0', '2.0'))
    expect(await publish(['--resume', tenant])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/line 2 differs/),
    })
    writeFileSync(file, eventLine())
    expect(await publish(['--resume', tenant])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/ends before line 2/),
    })
    writeFileSync(file, before.replace('broken\n', ''))
    appendFileSync(file, eventLine())
    expect(await publish(['--resume', tenant])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/: 3 accepted\./),
    })
  })

  it('goes on for its own tenant alone, and at one place at a time', async () => {
    const [{ tenant, publish, events }, other] = [await stage(), await stage()]
    const input = new PassThrough()
    const [isBegun, begun] = [Promise.withResolvers<void>(), ['--file', '-', '--run', tenant]]
    let interrupt = () => {}
    const first = publish(begun, {
      input,
      onInterruptible(press) {
        interrupt = press
        isBegun.resolve()
      },
    })
    input.write(`${eventLine()}\n`)
    await isBegun.promise
    const inUse = { code: 1, stderr: expect.stringContaining(`Another posthorn publishes the run ${tenant}. Wait`) }
    expect(await publish(begun, { input: eventLine() })).toMatchObject(inUse)
    expect(await publish(['--resume', tenant], { input: eventLine() })).toMatchObject(inUse)
    await expect.poll(() => events()).toHaveLength(1)
    interrupt()
    expect(await first).toMatchObject({ code: 130 })
    const elsewhere = await publish(['--resume', tenant, '--tenant', other.tenant], { input: eventLine() })
    expect([elsewhere.code, elsewhere.stderr]).toEqual([
      2,
      expect.stringContaining(`publishes to the tenant ${tenant}, not to ${other.tenant}. Leave out --tenant`),
    ])
    expect(await publish(['--resume', tenant], { input: `${eventLine()}\n`.repeat(2) })).toMatchObject({ code: 0 })
    expect([await events(), await other.events()]).toEqual([[expect.anything(), expect.anything()], []])
  })

  it('begins at a line on another machine, with the same keys', async () => {
    const { tenant, publish, file, events } = await stage()
    writeFileSync(file, `${eventLine()}\n`.repeat(5))
    expect(await publish(['--file', file, '--run', tenant, '--from-line', '4'])).toMatchObject({ code: 0 })
    expect((await events()).map(({ key }) => key).sort()).toEqual([`${tenant}:4`, `${tenant}:5`])
  })

  it('ends at once with an unknown tenant, and can begin again', async () => {
    const { tenant, publish, file } = await stage()
    writeFileSync(file, `${eventLine()}\n`.repeat(3))
    const ran = await publish(['--file', file, '--tenant', 'no-such-tenant'])
    expect([ran.code, ran.stdout, ran.stderr]).toEqual([
      5,
      '',
      expect.stringMatching(
        /posthorn: There is no tenant no-such-tenant at http:\S+\. .+ posthorn tenants put no-such-tenant\n$/,
      ),
    ])
    const again = await publish(['--file', file, '--tenant', tenant])
    expect([again.code, again.stdout]).toEqual([0, expect.stringMatching(/: 3 accepted\./)])
  })
})
