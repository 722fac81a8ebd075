/**
 * The links in the messages of notifications. GET shows a page with a button, and changes nothing: scanners of mail open
 * links. POST does it, by the button or by a mailbox's own (RFC 8058), with the token alone: anyone who reads the
 * message has no session.
 */
import { createHash } from 'node:crypto'
import type { FastifyReply } from 'fastify'
import { Type } from 'typebox'
import { escapeHtml } from '../../../base/html.ts'
import type { Notification, NotificationLanguage } from '../../../base/notification.ts'
import { OPERATOR_TENANT } from '../../../base/tenant.ts'
import { linkOf, type Notifications } from '../../../services/notifications/notifications.ts'
import type { Routes } from '../../http/routes.ts'
import { strict } from '../../http/shapes.ts'
import type { ApiOptions } from '../../options.ts'
import type { Public } from '../../resource.ts'
import { de } from './phrases/de.ts'
import { en } from './phrases/en.ts'
import type { Phrases } from './phrases/phrases.ts'

/** A query is left unread: what mail passes through adds to links. */
const PATH = '/notification-links/:token'
const Params = strict({ token: Type.String() })
const Html = (description: string) => ({
  description,
  content: { 'text/html': { schema: Type.Unsafe<string>({ type: 'string' }) } },
})
const RESPONSES = {
  200: Html('A page.'),
  404: Html('A page that says that the link does not work, or no longer.'),
}

type Needs = { readonly notifications: Public<Notifications> }

export function addLinks(routes: Routes, { notifications }: Needs, { basePath }: ApiOptions): void {
  routes.get(
    PATH,
    {
      access: 'open',
      operationId: 'showNotificationLink',
      summary: 'Show what the link in a message does',
      description: 'Changes nothing.',
      params: Params,
      response: RESPONSES,
    },
    async ({ params: { token } }, reply) => {
      const found = await notifications.find(token)
      return send(reply, found === null ? NO_LONGER : asking(found, token, basePath))
    },
  )

  routes.post(
    PATH,
    {
      access: 'open',
      operationId: 'followNotificationLink',
      summary: 'Confirm an address, or unsubscribe it',
      description:
        'Which of the two is up to the link. Needs no key and no body; a form, as mailboxes send it (RFC 8058), is not read.',
      params: Params,
      takesForm: true,
      response: RESPONSES,
    },
    async ({ params: { token }, clientAddress }, reply) => {
      const found = await notifications.follow(token, clientAddress)
      return send(reply, found === null ? NO_LONGER : done(found, token))
    },
  )
}

type Page = {
  readonly status: 200 | 404
  readonly language: NotificationLanguage
  readonly title: string
  readonly text: string
  readonly form?: string
}

/** In the language of the notification. */
const PHRASES: Readonly<Record<NotificationLanguage, Phrases>> = { en, de }

/** The language of a link that doesn't work is not known: nothing is said about what it was of. */
const NO_LONGER: Page = {
  status: 404,
  language: 'en',
  title: 'This link does not work',
  text: 'It was used or has expired, or a part of it is missing.',
}

function page(
  found: Notification,
  what: 'confirm' | 'unsubscribe' | 'confirmed' | 'unsubscribed',
  form?: string,
): Page {
  const { language, tenant, shown } = found
  const phrases = PHRASES[language]
  const { title, text } = phrases[what]
  const about = tenant === OPERATOR_TENANT ? phrases.installation : phrases.own
  return { status: 200, language, title, text: text(shown, about), ...(form !== undefined && { form }) }
}

function asking(found: Notification, token: string, basePath: string): Page {
  const link = linkOf(token)!
  if (link === 'confirm' && found.confirmedAtMs !== null) return done(found, token)
  const action = escapeHtml(`${basePath}notification-links/${token}`)
  const button = `<button type="submit">${PHRASES[found.language].buttons[link]}</button>`
  return page(found, link, `<form method="post" action="${action}">${button}</form>`)
}

const done = (found: Notification, token: string): Page =>
  page(found, linkOf(token) === 'confirm' ? 'confirmed' : 'unsubscribed')

const STYLE =
  ':root{color-scheme:light dark;font:16px/24px system-ui,sans-serif}' +
  'main{max-width:32rem;margin:15vh auto;padding:0 1rem;overflow-wrap:anywhere}' +
  'h1{font-size:1.5rem;line-height:2rem}' +
  'button{font:inherit;font-weight:600;padding:.6rem 1.2rem;border:0;border-radius:6px;background:#1d4ed8;color:#fff}' +
  'button:focus-visible{outline:3px solid #60a5fa;outline-offset:2px}'
const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64')

/** Nothing on the page is loaded or run, nothing shows it in a frame, and its address is passed on to no one. */
const HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`,
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-robots-tag': 'noindex',
}

function send(reply: FastifyReply, { status, language, title, text, form = '' }: Page) {
  const html = [
    `<!doctype html><html lang="${language}"><head><meta charset="utf-8">`,
    `<title>${title}</title><meta name="viewport" content="width=device-width, initial-scale=1">`,
    `<style>${STYLE}</style></head>`,
    `<body><main><h1>${title}</h1><p>${escapeHtml(text)}</p>${form}</main></body></html>\n`,
  ]
  return reply.code(status).headers(HEADERS).serializer(String).send(html.join(''))
}
