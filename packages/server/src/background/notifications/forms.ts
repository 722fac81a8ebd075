/** The forms that a message takes: mail, and the bodies that incoming webhooks of Slack and Teams accept. */
import { escapeHtml } from '../../base/html.ts'
import type { NotificationKind } from '../../base/notification.ts'
import type { Fact, Link } from './facts.ts'
import type { Words } from './words.ts'

export type Mail = { readonly subject: string; readonly text: string; readonly html: string }

export const mailOf = (words: Words): Mail => ({ subject: words.subject, text: textOf(words), html: htmlOf(words) })

const lineOf = ({ label, url }: Link): string => `${label}:\n${url}`

function textOf({ intro, facts, outro, action, why, manage, unsubscribe }: Words): string {
  const isList = facts.length > 1
  const paragraphs = [
    ...intro,
    ...facts.map((fact, at) => factText(fact, isList ? `${at + 1}. ` : '')),
    ...(action !== null && facts.length === 0 ? [lineOf(action)] : []),
    ...outro,
    ['-- ', why, ...[manage, unsubscribe].filter(link => link !== null).map(lineOf)].join('\n'),
  ]
  return `${paragraphs.join('\n\n')}\n`
}

function factText({ title, rows, advice, link }: Fact, number: string): string {
  const indent = ' '.repeat(number.length)
  const width = Math.max(...rows.map(([label]) => label.length), 0) + 2
  const lines = [
    ...rows.map(([label, value]) => `${`${label}:`.padEnd(width)}${value}`),
    ...(advice === null ? [] : ['', advice]),
    ...(link === null ? [] : ['', ...lineOf(link).split('\n')]),
  ]
  const isShort = advice === null && number !== ''
  const shown = isShort ? lines.filter(line => line !== '') : ['', ...lines]
  return [`${number}${title}.`, ...shown.map(line => (line === '' ? '' : indent + line))].join('\n')
}

const STYLE = {
  body: 'margin:0;padding:24px 16px;font:16px/24px system-ui,-apple-system,Roboto,sans-serif',
  box: 'max-width:560px;margin:0 auto',
  title: 'font-size:20px;line-height:28px;font-weight:600;margin:0 0 12px',
  item: 'font-weight:600;margin:24px 0 4px',
  table: 'border-collapse:collapse',
  label: 'padding:2px 16px 2px 0;vertical-align:top;white-space:nowrap;font-weight:400;text-align:left;opacity:.75',
  value: 'padding:2px 0;vertical-align:top',
  button:
    'display:inline-block;padding:10px 18px;border-radius:6px;background:#1d4ed8;color:#ffffff;font-weight:600;text-decoration:none',
  foot: 'margin-top:32px;padding-top:12px;border-top:1px solid #8888;font-size:13px;line-height:20px',
} as const

const element = (name: string, style: string, content: string): string =>
  `<${name} style="${style}">${content}</${name}>`
const anchor = ({ label, url }: Link, style = ''): string =>
  `<a href="${escapeHtml(url)}"${style === '' ? '' : ` style="${style}"`}>${escapeHtml(label)}</a>`
const paragraph = (text: string): string => `<p>${escapeHtml(text)}</p>`

function htmlOf({ language, subject, intro, facts, outro, action, why, manage, unsubscribe }: Words): string {
  const isList = facts.length > 1
  const links = [manage, unsubscribe].filter(link => link !== null).map(link => anchor(link))
  return [
    '<!doctype html>',
    `<html lang="${language}"><head><meta charset="utf-8"><title>${escapeHtml(subject)}</title>`,
    '<meta name="viewport" content="width=device-width,initial-scale=1">',
    '<meta name="color-scheme" content="light dark"></head>',
    `<body style="${STYLE.body}"><div style="${STYLE.box}">`,
    ...intro.map(paragraph),
    ...facts.map(fact => factHtml(fact, isList)),
    ...(action === null ? [] : [`<p>${anchor(action, STYLE.button)}</p>`]),
    ...outro.map(paragraph),
    element('div', STYLE.foot, `${escapeHtml(why)}<br>${links.join(' · ')}`),
    '</div></body></html>',
    '',
  ].join('\n')
}

function factHtml({ title, rows, advice, link }: Fact, isList: boolean): string {
  const cells = rows.map(
    ([label, value]) =>
      `<tr>${element('th', STYLE.label, escapeHtml(label))}${element('td', STYLE.value, escapeHtml(value))}</tr>`,
  )
  return [
    element(isList ? 'h2' : 'h1', isList ? `${STYLE.item};font-size:16px` : STYLE.title, escapeHtml(title)),
    ...(cells.length === 0 ? [] : [`<table style="${STYLE.table}">${cells.join('')}</table>`]),
    ...(advice === null ? [] : [paragraph(advice)]),
    // The one link of a message with a single fact is its button.
    ...(link === null || !isList ? [] : [`<div>${anchor(link)}</div>`]),
  ].join('\n')
}

/** The body to post to a chat's incoming webhook. */
export function chatOf(kind: Exclude<NotificationKind, 'email'>, words: Words): object {
  return kind === 'slack' ? slackOf(words) : teamsOf(words)
}

/** In Slack, links and mentions begin with `<`, and the others format. */
const escapeSlack = (text: string): string =>
  text.replace(/[&<>]/g, escapeHtml).replace(/[*_~`|]/g, character => `${character}\u200b`)

const slackLink = ({ label, url }: Link): string => `<${url}|${label}>`

function slackOf({ subject, intro, facts, outro, action, why, manage, unsubscribe }: Words): object {
  const isList = facts.length > 1
  const link = action !== null && facts.length === 0 ? [action] : []
  const text = [
    ...(facts.length === 1 ? [] : [`*${escapeSlack(subject)}*`]),
    ...(isList ? [] : intro.map(escapeSlack)),
    ...facts.map(fact => slackFact(fact, isList)),
    ...outro.map(escapeSlack),
    ...link.map(slackLink),
    `_${escapeSlack(why)}_`,
    [manage, unsubscribe]
      .filter(each => each !== null)
      .map(slackLink)
      .join(' · '),
  ].join('\n')
  return { text, unfurl_links: false, unfurl_media: false }
}

function slackFact({ title, rows, advice, link }: Fact, isList: boolean): string {
  const lines = rows.map(([label, value]) => `${label}: ${escapeSlack(value)}`)
  return [
    isList ? `• ${escapeSlack(title)}` : `*${escapeSlack(title)}*`,
    ...lines.map(line => (isList ? `   ${line}` : line)),
    ...(advice === null ? [] : [escapeSlack(advice)]),
    ...(link === null ? [] : [`${isList ? '   ' : ''}${slackLink(link)}`]),
  ].join('\n')
}

/** An adaptive card, the form that workflows in Teams accept. Its text blocks read Markdown. */
const escapeMarkdown = (text: string): string => text.replace(/[\\`*_{}[\]()#+!|<>~]/g, '\\$&')

function teamsOf({ subject, intro, facts, outro, action, why, manage, unsubscribe }: Words): object {
  const block = (text: string, more = {}) => ({ type: 'TextBlock', text: escapeMarkdown(text), wrap: true, ...more })
  const links = [action, manage, unsubscribe].filter(link => link !== null)
  const content = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    body: [
      ...(facts.length === 1 ? [] : [block(subject, { weight: 'Bolder' })]),
      ...intro.map(text => block(text)),
      ...facts.flatMap(({ title, rows, advice }) => [
        block(title, { weight: 'Bolder' }),
        { type: 'FactSet', facts: rows.map(([name, value]) => ({ title: name, value: escapeMarkdown(value) })) },
        ...(advice === null ? [] : [block(advice)]),
      ]),
      ...outro.map(text => block(text)),
      block(why, { isSubtle: true, size: 'Small' }),
    ],
    actions: links.map(({ label, url }) => ({ type: 'Action.OpenUrl', title: label, url })),
  }
  return { type: 'message', attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', content }] }
}
