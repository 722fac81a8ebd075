import type { AuditEntry } from '@posthorn/client'
import { shortenId } from '../../lib/format.ts'
import { access, fieldNames } from '../../strings/en/access.ts'

const words = access.audit

/** Who made the change, by name. */
export function whoOf({ actor: { kind, name, key } }: AuditEntry): string {
  if (kind === 'key') return name ?? shortenId(key ?? '')
  if (kind === 'portal' || kind === 'person') return name ?? words.actors[kind]
  return words.actors[kind]
}

/** What was done, with the names of the fields: `Changed URL and event types of endpoint`. */
export function changeOf({ action, target: { type }, fields }: AuditEntry): string {
  if (type === 'session') return action === 'created' ? words.signedIn : words.signedOut
  if (type === 'tenant' && action === 'retried') return words.retriedSeveral
  const what = words.targets[type]
  if (fields.length === 0) return `${words.actions[action]} ${what}`
  return `${words.actions[action]} ${listOf(fields.map(fieldName))} ${words.of} ${what}`
}

/** What was done, after the name of who did it: `changed URL and event types of endpoint`. */
export function didOf(entry: AuditEntry): string {
  const change = changeOf(entry)
  return change.charAt(0).toLowerCase() + change.slice(1)
}

/** The id of what was changed, shortened if it is one of Posthorn's own. */
export function whatOf({ target: { type, id } }: AuditEntry): string {
  return type === 'event_type' || type === 'tenant' ? id : shortenId(id)
}

export const fieldName = (field: string): string => fieldNames[field] ?? field

/** `a`, `a and b`, `a, b and c` */
export function listOf(names: readonly string[]): string {
  if (names.length < 2) return names.join('')
  return `${names.slice(0, -1).join(', ')}${words.and}${names.at(-1)}`
}
