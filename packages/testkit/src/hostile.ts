/** Misbehaving receivers. Each kind breaks one thing, at the socket level, and within bounds. */
import { createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import { gzipSync } from 'node:zlib'
import { type Authority, type Certificate, createAuthority } from './certificates.ts'
import { listen, repeatWhileOpen } from './listener.ts'
import { createSignal, type WaitOptions } from './signal.ts'

export const HOSTILE_KINDS = {
  hang: 'reads the request and never responds',
  hang_tls: 'accepts the connection and never responds to the handshake',
  drip_head: 'sends its header section one byte a second',
  drip_body: 'sends a complete header section, then the body one byte a second',
  flood: 'responds with a body of `bytes`',
  endless_1xx: 'sends interim responses and never a final one',
  interim_first: 'sends 100, 102 and 103, in pieces, before a valid response',
  endless_reason: 'never ends the reason phrase of its status line',
  protocol_change: 'responds with 101',
  huge_head: 'sends header fields up to `bytes`',
  reset_after_request: 'resets the connection once it has read the request',
  reset_on_connect: 'resets the connection as soon as it is established',
  close_after_request: 'closes the connection without a response once it has read the request',
  early_close: 'closes the connection before the end of the announced body',
  trailing_garbage: 'sends a valid response followed by garbage',
  gzip_bomb: 'sends a small gzip body that decompresses to `bytes`',
  bad_http: 'responds with something that is not HTTP',
  bad_tls: 'responds to the handshake in plain text',
  expired_cert: 'has an expired certificate',
  wrong_host: 'has a certificate for another host',
  untrusted: 'has a certificate from an unknown authority',
  tls11: 'supports no TLS version newer than 1.1',
  redirect: 'redirects to `location`',
} as const

export type HostileKind = keyof typeof HOSTILE_KINDS

export type HostileOptions = {
  readonly authority: Authority
  readonly kind: HostileKind
  /** Status of the response, if the kind sends one. Default: 200, for `redirect` 302. */
  readonly status?: number
  /** How much `flood` and `huge_head` send, and `gzip_bomb` decompresses to. Default: 100 MiB. */
  readonly bytes?: number
  /** Where `redirect` points. Default: `https://127.0.0.1/`. */
  readonly location?: string
  /** Interval between the bytes of `drip_*` (default: 1,000) or the responses of `endless_1xx` (5), in milliseconds. */
  readonly intervalMs?: number
}

export type HostileReceiver = {
  readonly url: string
  readonly port: number
  readonly kind: HostileKind
  /** TCP connections so far. */
  readonly connections: number
  /** Connections open now. */
  readonly open: number
  /** Complete requests read so far. */
  readonly requests: number
  /** Bytes handed to the socket so far, before encryption. */
  readonly bytesSent: number
  /** Resolves once `predicate` holds, which is evaluated after each connection, request and close. */
  waitFor(predicate: (receiver: HostileReceiver) => boolean, options?: WaitOptions): Promise<void>
  close(): Promise<void>
}

type Context = {
  readonly socket: Socket
  readonly status: number
  readonly bytes: number
  readonly location: string
  readonly intervalMs: number | undefined
  send(data: string | Buffer): boolean
  reset(): void
}

const DAY_MS = 86_400_000
const DEFAULT_BYTES = 100 * 1024 * 1024
/** Maximum number of dripped bytes or interim responses, however long the sender stays connected. */
const MAX_STEPS = 10_000

/** What each kind does once it has read a complete request. Kinds missing here respond 200, if they get that far. */
const ANSWERS: { readonly [kind in HostileKind]?: (context: Context) => void } = {
  hang: () => {},
  drip_head: context => drip(context, `${head(context.status)}x-padding: ${'x'.repeat(MAX_STEPS)}`),
  drip_body: context => {
    context.send(`${head(context.status)}content-length: ${MAX_STEPS}\r\n\r\n`)
    drip(context, 'x'.repeat(MAX_STEPS))
  },
  flood: context => {
    context.send(`${head(context.status)}content-type: text/plain\r\ncontent-length: ${context.bytes}\r\n\r\n`)
    pour(context, Buffer.alloc(64 * 1024, 'x'))
  },
  endless_1xx: context => {
    let steps = 0
    repeatWhileOpen(context.socket, context.intervalMs ?? 5, () => {
      context.send('HTTP/1.1 103 Early Hints\r\nlink: </style.css>; rel=preload\r\n\r\n')
      return ++steps < MAX_STEPS ? 'again' : 'done'
    })
  },
  interim_first: context => {
    const interim = [100, 102, 103].map(status => `${head(status)}x-hint: 1\r\n\r\n`).join('')
    const text = `${interim}${head(context.status)}content-length: 2\r\n\r\nok`
    let at = 0
    repeatWhileOpen(context.socket, context.intervalMs ?? 1, () => {
      context.send(text.slice(at, at + 7))
      at += 7
      return at < text.length ? 'again' : 'done'
    })
  },
  endless_reason: context => {
    context.send(`HTTP/1.1 ${context.status} `)
    pour(context, Buffer.alloc(64 * 1024, 'x'))
  },
  protocol_change: context => context.send(`${head(101)}\r\n`),
  huge_head: context => {
    context.send(head(context.status))
    pour(context, Buffer.from(`x-padding: ${'x'.repeat(1_000)}\r\n`.repeat(64)))
  },
  reset_after_request: context => context.reset(),
  close_after_request: context => context.socket.end(),
  early_close: context => {
    context.send(`${head(context.status)}content-length: 1000\r\n\r\nnot all`)
    context.socket.end()
  },
  trailing_garbage: context => {
    context.send(`${head(context.status)}content-length: 2\r\n\r\nok\0\0garbage HTTP/9.9 \r\n\r\n`)
  },
  gzip_bomb: context => {
    const body = gzipSync(Buffer.alloc(context.bytes), { level: 9 })
    context.send(`${head(context.status)}content-encoding: gzip\r\ncontent-length: ${body.length}\r\n\r\n`)
    context.send(body)
  },
  bad_http: context => context.send('220 smtp.example ESMTP ready\r\n\r\n'),
  redirect: context =>
    context.send(`${head(context.status)}location: ${context.location}\r\ncontent-length: 0\r\n\r\n`),
}

/** What each kind that never reaches TLS does as soon as a connection is established. */
const BEFORE_TLS: { readonly [kind in HostileKind]?: (socket: Socket) => void } = {
  hang_tls: socket => socket.resume(),
  reset_on_connect: socket => socket.resetAndDestroy(),
  bad_tls: socket => socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n')),
}

export async function startHostileReceiver(options: HostileOptions): Promise<HostileReceiver> {
  const { kind } = options
  const counts = { connections: 0, open: 0, requests: 0, bytesSent: 0 }
  const signal = createSignal(() => `${kind}: ${JSON.stringify(counts)}`)
  const beforeTls = BEFORE_TLS[kind]
  const server: Server = beforeTls ? createTcpServer(beforeTls) : createTlsServer(await tlsOptions(options))
  server.on('connection', (socket: Socket) => {
    counts.connections++
    counts.open++
    socket.on('close', () => {
      counts.open--
      signal.changed()
    })
    signal.changed()
  })
  server.on('secureConnection', (socket: Socket) => {
    socket.on('error', () => {})
    onWholeRequest(socket, () => {
      counts.requests++
      signal.changed()
      const answer = ANSWERS[kind] ?? (context => context.send(`${head(context.status)}content-length: 0\r\n\r\n`))
      answer({
        socket,
        status: options.status ?? (kind === 'redirect' ? 302 : 200),
        bytes: options.bytes ?? DEFAULT_BYTES,
        location: options.location ?? 'https://127.0.0.1/',
        intervalMs: options.intervalMs,
        send: data => {
          if (socket.destroyed || !socket.writable) return false
          counts.bytesSent += data.length
          return socket.write(data)
        },
        reset: () => listener.rawSocket(socket.remotePort)?.resetAndDestroy(),
      })
    })
  })
  const listener = await listen(server, 0)
  const receiver: HostileReceiver = {
    url: `https://127.0.0.1:${listener.port}`,
    port: listener.port,
    kind,
    get connections() {
      return counts.connections
    },
    get open() {
      return counts.open
    },
    get requests() {
      return counts.requests
    },
    get bytesSent() {
      return counts.bytesSent
    },
    waitFor: (predicate, wait) => signal.waitFor(() => predicate(receiver), wait),
    close: () => listener.close(),
  }
  return receiver
}

async function tlsOptions({ authority, kind }: HostileOptions): Promise<TlsOptions> {
  const { certPem, keyPem } = await certificateFor(kind, authority)
  const options: TlsOptions = { cert: certPem, key: keyPem }
  if (kind !== 'tls11') return options
  // OpenSSL 3 supports these versions only at security level 0.
  return { ...options, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }
}

async function certificateFor(kind: HostileKind, authority: Authority): Promise<Certificate> {
  const loopback = { names: ['localhost'], ips: ['127.0.0.1'] }
  switch (kind) {
    case 'expired_cert':
      return authority.issue({
        ...loopback,
        notBefore: new Date(Date.now() - 3 * DAY_MS),
        notAfter: new Date(Date.now() - 2 * DAY_MS),
      })
    case 'wrong_host':
      return authority.issue({ names: ['other-host.example'] })
    case 'untrusted':
      return (await createAuthority('Unknown authority')).issue(loopback)
    default:
      return authority.issue(loopback)
  }
}

/** Calls `then` for each complete request: headers, then as much body as they announce. Enough HTTP for Posthorn. */
function onWholeRequest(socket: Socket, then: () => void): void {
  let pending = Buffer.alloc(0)
  socket.on('data', chunk => {
    pending = Buffer.concat([pending, chunk])
    for (;;) {
      const headEnd = pending.indexOf('\r\n\r\n')
      if (headEnd < 0) return
      const length = /^content-length: *(\d+)/im.exec(pending.toString('latin1', 0, headEnd))?.[1]
      const end = headEnd + 4 + Number(length ?? 0)
      if (pending.length < end) return
      pending = pending.subarray(end)
      then()
    }
  })
}

function head(status: number): string {
  return `HTTP/1.1 ${status} Whatever\r\n`
}

function drip(context: Context, text: string): void {
  let at = 0
  context.send(text.charAt(at++))
  repeatWhileOpen(context.socket, context.intervalMs ?? 1_000, () => {
    context.send(text.charAt(at++))
    return at < text.length ? 'again' : 'done'
  })
}

/** Sends `block` repeatedly, as fast as the other side reads, until `bytes` have been sent. */
function pour(context: Context, block: Buffer): void {
  let leftBytes = context.bytes
  const more = () => {
    while (leftBytes > 0 && !context.socket.destroyed) {
      const part = block.subarray(0, Math.min(block.length, leftBytes))
      leftBytes -= part.length
      if (!context.send(part)) return
    }
    context.socket.off('drain', more)
  }
  context.socket.on('drain', more)
  more()
}
