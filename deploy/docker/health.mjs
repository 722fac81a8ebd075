/**
 * The image's health check: exits with 0 if the server of this container responds with 200, otherwise with 1 and what it
 * responded.
 *
 *     node health.mjs [PATH]
 *
 * PATH is /healthz by default; docs/operations.md says what /readyz and the others mean. The server is looked for at POSTHORN_HOST and
 * POSTHORN_PORT, which the image sets. A port set by a flag is not known here: set the variable instead.
 */
const { POSTHORN_HOST = '127.0.0.1', POSTHORN_PORT = '8470' } = process.env
/** An address that listens everywhere is no address to connect to. */
const EVERYWHERE = { '0.0.0.0': '127.0.0.1', '::': '::1' }
/** One second less than the HEALTHCHECK waits, so that there is a reason to read. Posthorn responds within two. */
const TIMEOUT_MS = 2_500

const host = EVERYWHERE[POSTHORN_HOST] ?? POSTHORN_HOST
const path = process.argv[2] ?? '/healthz'
const url = new URL(path, `http://${host.includes(':') ? `[${host}]` : host}:${POSTHORN_PORT}`)

try {
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) })
  console.log(`${response.status} ${await response.text()}`)
  process.exitCode = response.ok ? 0 : 1
} catch (error) {
  console.log(`${url} does not respond: ${error.cause?.code ?? error.name}`)
  process.exitCode = 1
}
