/** The forms that a message takes: mail, and the bodies that incoming webhooks of Slack and Teams accept. */
import { escapeHtml } from '../../base/html.ts'
import type { NotificationKind } from '../../base/model.ts'
import type { Words } from './words.ts'

export type Mail = { readonly subject: string; readonly text: string; readonly html: string }

export function mailOf(words: Words): Mail {
  const { subject, intro, list, outro, action, unsubscribe } = words
  const text = [
    intro,
    ...list.map(line => `- ${line}`),
    ...(action === null ? [] : [`${action.label}:\n${action.url}`]),
    outro,
    `-- \n${unsubscribe.label}:\n${unsubscribe.url}`,
  ].join('\n\n')
  const html = [
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(subject)}</title></head>`,
    '<body style="font:16px/24px sans-serif;max-width:40em">',
    `<p>${escapeHtml(intro)}</p>`,
    ...(list.length === 0 ? [] : [`<ul>${list.map(line => `<li>${escapeHtml(line)}</li>`).join('')}</ul>`]),
    ...(action === null ? [] : [`<p><a href="${escapeHtml(action.url)}">${escapeHtml(action.label)}</a></p>`]),
    `<p>${escapeHtml(outro)}</p>`,
    `<hr><p><small><a href="${escapeHtml(unsubscribe.url)}">${escapeHtml(unsubscribe.label)}</a></small></p>`,
    '</body></html>',
  ].join('\n')
  return { subject, text: `${text}\n`, html }
}

/** The body to post to a chat's incoming webhook. */
export function chatOf(kind: Exclude<NotificationKind, 'email'>, words: Words): object {
  return kind === 'slack' ? slackOf(words) : teamsOf(words)
}

/** Slack gives only these three a meaning outside links and mentions, which begin with `<`. */
const escapeSlack = (text: string): string =>
  text.replace(/[&<>]/g, escapeHtml).replace(/[*_~`|]/g, character => `${character}\u200b`)

function slackOf({ subject, intro, list, outro, action, unsubscribe }: Words): object {
  const link = ({ label, url }: { label: string; url: string }) => `<${url}|${label}>`
  const text = [
    escapeSlack(subject),
    escapeSlack(intro),
    ...list.map(line => `• ${escapeSlack(line)}`),
    escapeSlack(outro),
    [...(action === null ? [] : [link(action)]), link(unsubscribe)].join(' · '),
  ].join('\n')
  return { text, unfurl_links: false, unfurl_media: false }
}

/** An adaptive card, the form that workflows in Teams accept. Its text blocks read Markdown. */
const escapeMarkdown = (text: string): string => text.replace(/[\\`*_{}[\]()#+!|<>~]/g, '\\$&')

function teamsOf({ subject, intro, list, outro, action, unsubscribe }: Words): object {
  const block = (text: string, more = {}) => ({ type: 'TextBlock', text: escapeMarkdown(text), wrap: true, ...more })
  const links = [...(action === null ? [] : [action]), unsubscribe]
  const content = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    body: [
      block(subject, { weight: 'Bolder' }),
      block(intro),
      ...list.map(line => block(`• ${line}`)),
      block(outro, { isSubtle: true }),
    ],
    actions: links.map(({ label, url }) => ({ type: 'Action.OpenUrl', title: label, url })),
  }
  return { type: 'message', attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', content }] }
}
