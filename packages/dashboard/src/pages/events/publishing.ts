import { ApiError, type PublishedEvent } from '@posthorn/client'
import { useMemo } from 'react'
import { callText } from '../../app/client.ts'
import { type Check, checkIfPossible, type Problem } from '../../lib/schema-check.ts'

export type PublishResult = PublishedEvent & { readonly tenant: string }

type Publishing = {
  readonly tenant: string
  readonly type: string
  /** Nothing for none. */
  readonly key: string
  /** The payload as JSON. It is sent as it is written, to the byte. */
  readonly text: string
}

export async function publish({ tenant, type, key, text }: Publishing): Promise<PublishResult> {
  const members = [`"type":${JSON.stringify(type)}`]
  if (key !== '') members.push(`"key":${JSON.stringify(key)}`)
  const body = `{${members.join(',')},"payload":${text.trim()}}`
  const answer = await callText('POST', `/v1/tenants/${encodeURIComponent(tenant)}/events`, { body })
  return { ...(JSON.parse(answer) as PublishedEvent), tenant }
}

const PAYLOAD = '/payload'

/** What the server found wrong with the payload. */
export function payloadProblems(error: unknown): Problem[] {
  if (!(error instanceof ApiError)) return []
  return error.fields
    .filter(({ field }) => field === PAYLOAD || field.startsWith(`${PAYLOAD}/`))
    .map(({ field, detail }) => ({ pointer: field.slice(PAYLOAD.length), text: detail }))
}

/** The check by a type's schema. Null if there is none, or if it can't be made here. */
export function useCheck(schema: unknown): Check | null {
  return useMemo(() => (schema === undefined ? null : checkIfPossible(schema)), [schema])
}
