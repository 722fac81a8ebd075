import { readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { EXIT } from '@posthorn/cli/exit'
import { startReceiver } from '@posthorn/testkit'
import { expect, it } from 'vitest'
import { API_KEY, inPlace, type Place, running, type ServerProcess, serve, start } from './process.ts'

/** Secrets that no encoding leaves unchanged by chance, and long enough to appear in no other text. */
const SECRETS = {
  clientSecret: 'client-secret-0f6c1c4e9b7a+/A==',
  nextSecret: 'next-client-secret-73b1d2aa40c9',
  oauthSecret: 'oauth-secret-5a9be2f0d1c8',
  headerSecret: 'header-secret-18d07be4c2f9"<&%41',
  token: 'bearer-token-9c27ef5538b1',
  signingSecret: `whsec_${Buffer.from('signing-secret-of-the-tenant-31a0').toString('base64')}`,
}

type Shown = { readonly signingSecret: string; readonly key: string }

/** The forms in which a text can be written. */
function spellingsOf(secret: string): string[] {
  const bytes = Buffer.from(secret)
  const shifted = [0, 1, 2].map(by =>
    Buffer.concat([Buffer.alloc(by), bytes])
      .toString('base64')
      .slice(4, -4),
  )
  return [secret, bytes.toString('hex'), encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1), ...shifted]
}

async function startTokenServer(place: Place) {
  const { certPem: cert, keyPem: key } = await place.authority.issue({ names: ['localhost'] })
  const server = createServer({ cert, key }, (request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => {
      text += chunk
    })
    request.on('end', () => {
      const said = JSON.stringify({ ...request.headers, text })
      // The first response is an error that repeats the whole request.
      if (asked++ === 0) response.writeHead(500).end(said)
      else response.end(JSON.stringify({ access_token: SECRETS.token, token_type: 'Bearer', expires_in: 600, said }))
    })
  })
  let asked = 0
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `https://localhost:${(server.address() as AddressInfo).port}/token`,
    asked: () => asked,
    close: () => server.close(),
  }
}

/** The response to every GET route of the OpenAPI document, with the known ids filled in. */
async function everyAnswer(server: ServerProcess, known: Record<string, string>): Promise<Map<string, string>> {
  const get = (path: string) =>
    fetch(`${server.url}${path}`, { headers: { authorization: `Bearer ${API_KEY}` } }).then(answer => answer.text())
  const document = JSON.parse(await get('/openapi.json')) as { paths: Record<string, Record<string, unknown>> }
  const answers = new Map<string, string>()
  for (const [path, calls] of Object.entries(document.paths)) {
    // A stream doesn't end; what it shows are the items of the lists.
    if (calls.get === undefined || path.endsWith('/stream')) continue
    const kind = /\/(\w+)\/\{id\}/.exec(path)?.[1] ?? ''
    const filled = path
      .replace('{tenant}', 'acme')
      .replace('{id}', known[kind] ?? 'x')
      .replace('{name}', 'COVER_REFERENCE')
    answers.set(path, await get(filled))
  }
  return answers
}

it(
  'C14: no secret of any kind is in a response of the API, in the log or in the data folder',
  {
    timeout: 60_000,
  },
  () =>
    inPlace(async place => {
      // Repeats the request in its response: secrets must be blanked in the recorded response.
      const receiver = await startReceiver({
        authority: place.authority,
        names: ['localhost'],
        script: request => ({
          status: 500,
          headers: { 'x-echo': String(request.headers.authorization) },
          body: JSON.stringify(request.headers),
        }),
      })
      const tokens = await startTokenServer(place)
      const certificate = await place.authority.issue({ names: ['acme.example'] })
      const encryptionKey = Buffer.alloc(32, 'k3y!').toString('base64')
      const flags = ['--log-level', 'debug', '--retry-schedule', '1,1,600']
      const server = running(await serve(place, { flags, env: { POSTHORN_ENCRYPTION_KEY: encryptionKey } }))
      const answers = new Map<string, string>()
      const call = async (method: string, path: string, body?: unknown) => {
        const answer = await server.call<Record<string, never>>(method, path, body)
        answers.set(`${method} ${path}`, JSON.stringify(answer.body))
        return answer.body as Record<string, unknown>
      }
      await call('PUT', '/tenants/acme', {})
      const { clientSecret, nextSecret, oauthSecret, signingSecret, headerSecret } = SECRETS
      const headers = { 'X-Api-Key': headerSecret, 'X-Plan': { value: `Plan ${headerSecret}`, secret: true } }
      const first = await call('POST', '/tenants/acme/endpoints', {
        url: receiver.url,
        clientSecret,
        signingSecret,
        headers,
      })
      const later = new Date(Date.now() + 3_600_000).toISOString()
      await call('PATCH', `/tenants/acme/endpoints/${first.id}`, { clientSecret: nextSecret, switchAt: later })
      const oauth = { tokenUrl: tokens.url, clientId: 'acme', clientSecret: oauthSecret, credentialsIn: 'body' }
      const clientCertificate = { certificate: certificate.certPem, key: certificate.keyPem }
      await call('POST', '/tenants/acme/endpoints', { url: receiver.url, oauth, clientCertificate, headers })
      // Responses that are kept for repeated calls.
      const once = { 'idempotency-key': 'k' }
      const inactive = { url: receiver.url, clientSecret, types: ['GRADE_CHANGED'] }
      const endpoint = await server.call<Shown>('POST', '/tenants/acme/endpoints', inactive, once)
      const apiKey = await server.call<Shown>('POST', '/api-keys', { name: 'k', scope: 'read' }, once)
      const shownOnce = { generatedSigningSecret: endpoint.body.signingSecret, generatedKey: apiKey.body.key }
      expect(Object.values(shownOnce)).toEqual([expect.stringMatching(/^whsec_/), expect.stringMatching(/^phk_/)])
      const event = await server.call<{ id: string; data: { id: string }[] }>('POST', '/tenants/acme/events', {
        type: 'COVER_REFERENCE',
        payload: { CoverId: '564200aa-7128-4a26-83a8-cf0201903fcc' },
      })
      // Refused requests that contain a secret.
      await call('POST', '/tenants/acme/endpoints', { url: 'nonsense', clientSecret })
      await call('POST', '/tenants/acme/endpoints', { url: receiver.url, clientSecret: `${clientSecret} ` })
      await call('POST', '/tenants/acme/endpoints', { url: receiver.url, clientSecret, unknown: clientSecret })
      await call('POST', '/tenants/acme/endpoints', `{"clientSecret":"${clientSecret}",`)
      await call('PATCH', `/tenants/acme/endpoints/${first.id}`, { headers: { Host: headerSecret } })
      await call('PATCH', `/tenants/acme/endpoints/${first.id}`, { headers: { 'X-Api-Key': `${headerSecret}\n` } })
      await call('PATCH', `/tenants/acme/endpoints/${first.id}`, {
        clientCertificate: { certificate: 'x', key: certificate.keyPem },
      })
      await receiver.waitFor(() => receiver.total >= 4 && tokens.asked() >= 2, { timeoutMs: 20_000 })
      const bearers = new Set(receiver.requests.map(request => request.headers.authorization))
      for (const { headers: got } of receiver.requests) expect(got['x-api-key']).toBe(headerSecret)
      expect(bearers).toEqual(new Set([`Bearer ${clientSecret}`, `Bearer ${SECRETS.token}`]))
      const isRecorded = async () =>
        (await call('GET', '/tenants/acme/deliveries')).data as { id: string; attemptCount: number }[]
      await expect
        .poll(async () => (await isRecorded()).every(each => each.attemptCount >= 2), { timeout: 10_000 })
        .toBe(true)
      for (const { id } of await isRecorded()) await call('GET', `/tenants/acme/deliveries/${id}`)
      const known = { endpoints: String(first.id), events: event.body.id, deliveries: (await isRecorded())[0]!.id }
      for (const [path, text] of await everyAnswer(server, known)) answers.set(path, text)
      expect([...answers.keys()].some(path => path.includes('deliveries/dlv_'))).toBe(true)
      server.kill('SIGTERM')
      await server.ended

      const places = new Map<string, Buffer>([...answers].map(([path, text]) => [path, Buffer.from(text)]))
      places.set('the output', Buffer.from(server.output()))
      for (const file of await readdir(place.data)) places.set(file, await readFile(join(place.data, file)))
      const keyLine = certificate.keyPem.split('\n')[1]!
      const secrets = { ...SECRETS, ...shownOnce, encryptionKey, apiKey: API_KEY, certificateKey: keyLine }
      for (const [name, secret] of Object.entries(secrets)) {
        for (const spelling of spellingsOf(secret)) {
          for (const [where, bytes] of places) expect(bytes.includes(spelling), `${name} in ${where}`).toBe(false)
        }
      }
      tokens.close()
      await receiver.close()
    }),
)

it('C14: a diagnostic report leaves out the environment, which contains keys', () =>
  inPlace(async place => {
    const flags = `--report-on-signal --report-directory=${place.folder} --report-filename=report.json`
    const encryptionKey = Buffer.alloc(32, 'k3y!').toString('base64')
    const server = running(await serve(place, { env: { NODE_OPTIONS: flags, POSTHORN_ENCRYPTION_KEY: encryptionKey } }))
    server.kill('SIGUSR2')
    const report = () => readFile(join(place.folder, 'report.json'), 'utf8').catch(() => '')
    await expect.poll(async () => (await report()).trim().endsWith('}'), { timeout: 20_000 }).toBe(true)
    expect(JSON.parse(await report())).toHaveProperty('header')
    expect(await report()).not.toContain(API_KEY)
    expect(await report()).not.toContain(encryptionKey)
    server.kill('SIGTERM')
    await server.ended
  }))

it(
  'C14: posthorn encryption-keys rotate re-encrypts all secrets while the server runs, after which only the new key is needed',
  {
    timeout: 60_000,
  },
  () =>
    inPlace(async place => {
      const receiver = await startReceiver({ authority: place.authority, names: ['localhost'] })
      const server = running(await serve(place))
      await server.call('PUT', '/tenants/acme', {})
      const { clientSecret } = SECRETS
      await server.call('POST', '/tenants/acme/endpoints', { url: receiver.url, clientSecret })
      const keyFile = join(place.data, 'encryption.key')
      const before = await readFile(keyFile, 'utf8')
      const rotate = ['encryption-keys', 'rotate', '--url', server.url]
      expect(await start(place, rotate).ended).toMatchObject({
        code: EXIT.usage,
        stderr: expect.stringContaining('POSTHORN_API_KEY'),
      })
      const wrong = await start(place, rotate, { POSTHORN_API_KEY: 'another-key-0123456789' }).ended
      expect(wrong).toMatchObject({ code: EXIT.denied, stdout: '' })
      const nowhere = { POSTHORN_API_KEY: API_KEY, POSTHORN_URL: 'http://127.0.0.1:1' }
      expect(await start(place, ['encryption-keys', 'rotate'], nowhere).ended).toMatchObject({
        code: EXIT.unreachable,
        stderr: expect.stringContaining('No server responds at http://127.0.0.1:1'),
      })
      const old = await start(place, ['keys', 'rotate'], { POSTHORN_API_KEY: API_KEY, POSTHORN_URL: server.url }).ended
      expect(old).toMatchObject({
        code: EXIT.usage,
        stderr: expect.stringContaining('posthorn encryption-keys rotate'),
      })
      const done = await start(place, rotate, { POSTHORN_API_KEY: API_KEY }).ended
      expect(done).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('secrets of 1 endpoints') })
      const after = await readFile(keyFile, 'utf8')
      expect(after.trim()).not.toContain(before.trim())
      const publish = (to: ServerProcess) =>
        to.call('POST', '/tenants/acme/events', {
          type: 'COVER_REFERENCE',
          payload: { CoverId: '564200aa-7128-4a26-83a8-cf0201903fcc' },
        })
      await publish(server)
      await receiver.waitFor(() => receiver.total === 1, { timeoutMs: 10_000 })
      server.kill('SIGTERM')
      await server.ended
      await writeFile(keyFile, before)
      expect(await serve(place)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('does not match this data'),
      })
      await writeFile(keyFile, after)
      const again = running(await serve(place))
      await publish(again)
      await receiver.waitFor(() => receiver.total === 2, { timeoutMs: 10_000 })
      const sent = new Set(receiver.requests.map(request => request.headers.authorization))
      expect(sent).toEqual(new Set([`Bearer ${clientSecret}`]))
      again.kill('SIGTERM')
      await again.ended
      await receiver.close()
    }),
)
