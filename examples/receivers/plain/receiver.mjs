// Receives COVER_REFERENCE. Node.js 20 or later, no packages. TLS ends at the proxy in front of it.
// @ts-check
import { createHash, createHmac, randomUUID, timingSafeEqual } from 'node:crypto'
import { link, mkdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'

/** @typedef {{ CoverId: string }} Payload */

// While you replace a secret, set both, separated by a comma: new,old
const clientSecrets = listOf(process.env.CLIENT_SECRET)
// whsec_…, if you verify signatures
const signingSecrets = listOf(process.env.SIGNING_SECRET)
if (clientSecrets.length === 0) throw new Error('Set CLIENT_SECRET.')
if (!signingSecrets.every(one => /^whsec_[\w+/]{32,}={0,2}$/.test(one))) throw new Error('Copy SIGNING_SECRET whole.')

const MAX_BYTES = 2 * 1024 * 1024
const TOLERANCE_SECONDS = 300

const server = createServer(async (request, response) => {
  /** @param {number} status */
  const respond = status => response.writeHead(status).end()
  try {
    const { headers } = request
    if (request.method !== 'POST') return respond(405)
    if (!hasToken(headers)) return respond(401)
    const body = await read(request)
    if (body === null) return respond(413)
    if (!isSigned(headers, body)) return respond(401)
    // Sent by hand, to see whether it arrives: nothing is to be done.
    if (headers['x-posthorn-test'] === 'true') {
      console.log('Accepted a test event.')
      return respond(204)
    }
    const id = String(headers['webhook-id'])
    if (!/^[\w-]{1,64}$/.test(id)) return respond(400)
    const isNew = await store(id, body)
    // Respond first, work afterwards: the sender waits for 15 seconds only.
    respond(204)
    if (isNew) handle(id, JSON.parse(body.toString()))
  } catch (error) {
    console.error(error)
    // Whatever isn't 2xx is sent again later.
    if (!response.headersSent) respond(500)
  }
})

/**
 * @param {string} id
 * @param {Payload} payload
 */
function handle(id, payload) {
  console.log(id, payload.CoverId)
}

/**
 * Stores the event under its id. False if it is there already: an event can arrive twice. In production, use your
 * database: INSERT INTO events (id, payload) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING
 *
 * @param {string} id
 * @param {Buffer} body
 */
async function store(id, body) {
  await mkdir('events', { recursive: true })
  const draft = `events/.${randomUUID()}`
  try {
    await writeFile(draft, body, { flush: true })
    await link(draft, `events/${id}.json`)
    return true
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return false
    throw error
  } finally {
    await rm(draft, { force: true })
  }
}

/** @param {import('node:http').IncomingHttpHeaders} headers */
function hasToken({ authorization = '' }) {
  const token = /^bearer +(\S+)$/i.exec(authorization)?.[1]
  return token !== undefined && isOneOf(token, clientSecrets)
}

/**
 * @param {import('node:http').IncomingHttpHeaders} headers
 * @param {Buffer} body the bytes as they came
 */
function isSigned(headers, body) {
  if (signingSecrets.length === 0) return true
  const timestamp = String(headers['webhook-timestamp'])
  const age = Date.now() / 1000 - Number(timestamp)
  if (!/^\d{1,12}$/.test(timestamp) || Math.abs(age) > TOLERANCE_SECONDS) return false
  const signed = Buffer.concat([Buffer.from(`${headers['webhook-id']}.${timestamp}.`), body])
  const expected = signingSecrets.map(secret => {
    const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
    return `v1,${createHmac('sha256', key).update(signed).digest('base64')}`
  })
  const signatures = String(headers['webhook-signature']).split(' ')
  return signatures.slice(0, 16).some(signature => isOneOf(signature, expected))
}

/**
 * Compares digests, and all of them: the time it takes says nothing about a secret.
 *
 * @param {string} text
 * @param {string[]} expected
 */
function isOneOf(text, expected) {
  let isFound = false
  for (const one of expected) if (timingSafeEqual(sha256(text), sha256(one))) isFound = true
  return isFound
}

/** @param {string} text */
function sha256(text) {
  return createHash('sha256').update(text).digest()
}

/**
 * The body, or null if it is too large.
 *
 * @param {import('node:http').IncomingMessage} request
 */
async function read(request) {
  const chunks = []
  let bytes = 0
  for await (const chunk of request) {
    bytes += chunk.length
    if (bytes <= MAX_BYTES) chunks.push(chunk)
  }
  return bytes > MAX_BYTES ? null : Buffer.concat(chunks)
}

/** @param {string | undefined} text */
function listOf(text = '') {
  return text.split(',').filter(one => one !== '')
}

server.listen(Number(process.env.PORT ?? 9000))
