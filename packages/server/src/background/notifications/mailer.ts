import type { Transporter } from 'nodemailer'
import type { Sending } from '../../store/operations/notifications/messages.ts'
import type { Mail } from './forms.ts'

/** The server that mail is handed to. */
export type SmtpServer = {
  readonly host: string
  readonly port: number
  /** `always`: from the first byte. `starttls`: nothing is sent before the server has agreed to it. `never`: on this machine. */
  readonly tls: 'always' | 'starttls' | 'never'
  readonly user: string
  readonly password: string
}

/** A mail to one address. */
export type Envelope = Mail & {
  readonly to: string
  /** Identifies the message, so that mailboxes can recognise a second copy. */
  readonly messageId: string
  /** POST by one click (RFC 8058). */
  readonly unsubscribeUrl: string
}

export type Mailer = { send(mail: Envelope): Promise<Sending>; close(): void }

const CONNECT_MS = 10_000
const SILENCE_MS = 20_000

/** @param ca certificates of the authorities to trust; undefined: the usual ones */
export function createMailer(server: SmtpServer, from: string, ca?: readonly string[]): Mailer {
  let opened: Promise<Transporter> | undefined
  return {
    async send({ to, subject, text, html, messageId, unsubscribeUrl }) {
      try {
        opened ??= open(server, ca)
        await (await opened).sendMail({
          from,
          to: { name: '', address: to },
          subject,
          text,
          html,
          messageId,
          headers: {
            'List-Unsubscribe': { prepared: true, value: `<${unsubscribeUrl}>` },
            'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
            // No one's holiday is to be announced to the sender (RFC 3834).
            'Auto-Submitted': 'auto-generated',
          },
        })
        return { isSent: true }
      } catch (error) {
        return failureOf(error as SmtpError)
      }
    },
    close: () => void opened?.then(transport => transport.close()),
  }
}

async function open(server: SmtpServer, ca: readonly string[] | undefined): Promise<Transporter> {
  // Imported only here: a start needs none of its 600 kB.
  const { createTransport } = await import('nodemailer')
  return createTransport({
    host: server.host,
    port: server.port,
    secure: server.tls === 'always',
    requireTLS: server.tls === 'starttls',
    // A server on this machine often has a certificate that no one has signed.
    ignoreTLS: server.tls === 'never',
    ...(server.user === '' ? {} : { auth: { user: server.user, pass: server.password } }),
    connectionTimeout: CONNECT_MS,
    greetingTimeout: CONNECT_MS,
    socketTimeout: SILENCE_MS,
    dnsTimeout: CONNECT_MS,
    ...(ca === undefined ? {} : { tls: { ca: [...ca] } }),
    // A message must never be able to have a file or a page read.
    disableFileAccess: true,
    disableUrlAccess: true,
  })
}

type SmtpError = Error & { readonly code?: string; readonly responseCode?: number; readonly command?: string }

/** Only codes: what the server says can contain anything. */
function failureOf({ code, responseCode, command }: SmtpError): Sending {
  // A server without STARTTLS says 500 or 502 to it, which is not about the message.
  const reason = `smtp ${code === 'ETLS' ? code : (responseCode ?? code ?? 'failed')}`
  // Only a refusal of the recipient or of the message is for good (RFC 5321 §4.2.1). One of the connection, of the
  // sign-in or of the sender is for the operator to mend, and is tried again.
  const isAboutMessage = command !== undefined && /^(?:RCPT|DATA)/.test(command)
  const isFinal = responseCode !== undefined && responseCode >= 500 && isAboutMessage
  return { isSent: false, reason, isFinal }
}
