import { type AddressInfo, createServer, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import type { Certificate } from '@posthorn/testkit'
import { SMTPServer } from 'smtp-server'
import type { SmtpServer } from '../../src/background/notifications/mailer.ts'

export type Received = {
  readonly from: string
  readonly to: readonly string[]
  readonly raw: string
  readonly isSecure: boolean
  /** A header field, decoded. */
  header(name: string): string | undefined
  /** The part of a type, decoded. */
  part(type: 'text/plain' | 'text/html'): string
}

/** A real SMTP server that keeps what it receives. */
export type Mailbox = {
  readonly server: SmtpServer
  readonly mails: Received[]
  /** How it answers a recipient. Default: takes all. */
  refuse: (to: string) => { readonly code: number; readonly text: string } | null
  close(): Promise<void>
}

export type MailboxOptions = {
  /** Of the user `posthorn`, if it takes mail from no one else. */
  readonly password?: string
  /** Its certificate for 127.0.0.1. Default: it speaks no TLS. */
  readonly tls?: Certificate
  /** Whether it begins without TLS and offers STARTTLS, and takes neither a password nor mail before. */
  readonly starttls?: boolean
}

export async function startMailbox(options: MailboxOptions = {}): Promise<Mailbox> {
  const { password, tls, starttls = false } = options
  const mails: Received[] = []
  const box = {
    mails,
    refuse: (_to: string): { readonly code: number; readonly text: string } | null => null,
  }
  const server = new SMTPServer({
    authOptional: password === undefined,
    disabledCommands: [...(starttls ? [] : ['STARTTLS']), ...(password === undefined ? ['AUTH'] : [])],
    allowInsecureAuth: !starttls,
    ...(tls === undefined ? {} : { secure: !starttls, key: tls.keyPem, cert: tls.certPem }),
    onMailFrom: (_from, session, done) =>
      done(starttls && !session.secure ? Object.assign(new Error('Must issue STARTTLS'), { responseCode: 530 }) : null),
    onAuth: (auth, _session, done) => {
      if (auth.username === 'posthorn' && auth.password === password) done(null, { user: 'posthorn' })
      else done(new Error('Invalid username or password'))
    },
    onRcptTo: ({ address }, _session, done) => {
      const refusal = box.refuse(address)
      if (refusal === null) done()
      else done(Object.assign(new Error(refusal.text), { responseCode: refusal.code }))
    },
    onData: (stream, session, done) => {
      text(stream).then(raw => {
        const { mailFrom, rcptTo } = session.envelope
        mails.push(
          readMail(
            raw,
            mailFrom === false ? '' : mailFrom.address,
            rcptTo.map(to => to.address),
            session.secure,
          ),
        )
        done()
      }, done)
    },
  })
  // Clients that don't trust the certificate end the handshake.
  server.on('error', () => {})
  await new Promise<void>(resolve => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.server.address() as AddressInfo
  const user = password === undefined ? '' : 'posthorn'
  return Object.assign(box, {
    server: { host: '127.0.0.1', port, tls: tlsOf(options), user, password: password ?? '' },
    close: () => new Promise<void>(resolve => server.close(() => resolve())),
  })
}

/** A server that greets, and then goes on without end with its answer to the first command: no mail gets further. */
export async function startTrickle(everyMs = 20) {
  const sockets = new Set<Socket>()
  let accepted = 0
  const server = createServer(socket => {
    accepted++
    sockets.add(socket)
    socket.write('220 mail.example ESMTP\r\n')
    const timer = setInterval(() => socket.write('250-MORE\r\n'), everyMs)
    socket.on('error', () => {})
    socket.on('close', () => {
      clearInterval(timer)
      sockets.delete(socket)
    })
    socket.resume()
  })
  await new Promise<void>(resolve => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    server: { host: '127.0.0.1', port, tls: 'never', user: '', password: '' } satisfies SmtpServer,
    open: () => sockets.size,
    accepted: () => accepted,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>(resolve => server.close(() => resolve()))
    },
  }
}

const tlsOf = ({ tls, starttls = false }: MailboxOptions): SmtpServer['tls'] =>
  starttls ? 'starttls' : tls === undefined ? 'never' : 'always'

function readMail(raw: string, from: string, to: readonly string[], isSecure: boolean): Received {
  const [head = ''] = raw.split('\r\n\r\n', 1)
  const lines = head.replace(/\r\n[ \t]+/g, ' ').split('\r\n')
  const header = (name: string) => {
    const line = lines.find(each => each.toLowerCase().startsWith(`${name.toLowerCase()}:`))
    return line === undefined ? undefined : decodeWords(line.slice(name.length + 1).trim())
  }
  const part = (type: string) => {
    const boundary = /boundary="([^"]+)"/.exec(header('content-type') ?? '')?.[1]
    const found = raw.split(`--${boundary}`).find(each => each.includes(`Content-Type: ${type}`)) ?? ''
    const at = found.indexOf('\r\n\r\n')
    const body = found.slice(at + 4)
    return /Content-Transfer-Encoding: quoted-printable/i.test(found.slice(0, at)) ? unquote(body) : body
  }
  return { from, to, raw, isSecure, header, part }
}

/** RFC 2047 §2. */
function decodeWords(text: string): string {
  const adjacent = text.replace(/(\?=)\s+(=\?)/g, '$1$2')
  return adjacent.replace(/(?:=\?UTF-8\?[QB]\?[^?]*\?=)+/gi, words => {
    const parts = [...words.matchAll(/=\?UTF-8\?([QB])\?([^?]*)\?=/gi)].map(([, kind, data = '']) =>
      kind?.toUpperCase() === 'B' ? Buffer.from(data, 'base64') : quotedBytes(data.replaceAll('_', ' ')),
    )
    return Buffer.concat(parts).toString('utf8')
  })
}

const quotedBytes = (text: string): Buffer =>
  Buffer.from(
    text.replace(/=([0-9A-F]{2})/gi, (_match, digits: string) => String.fromCharCode(Number.parseInt(digits, 16))),
    'latin1',
  )

/** RFC 2045 §6.7. */
function unquote(body: string): string {
  return quotedBytes(body.replace(/=\r\n/g, '')).toString('utf8').replaceAll('\r\n', '\n')
}
