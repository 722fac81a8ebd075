import { ApiError, type Problem, ResponseError } from '@posthorn/client'
import { sessionHeaders, sessionUrl } from '../../app/client.ts'

type Progress = { readonly lines: number; readonly bytes: number }

const NEWLINE = 10

/**
 * Everything about a tenant as the server sends it, one JSON object per line. It is read without being parsed, so that
 * a large one doesn't stall the page; only its last line is looked at, which says whether it is whole.
 */
export async function readExport(
  tenant: string,
  onProgress: (progress: Progress) => void,
  signal: AbortSignal,
): Promise<{ readonly blob: Blob; readonly isWhole: boolean }> {
  const path = `/v1/tenants/${encodeURIComponent(tenant)}/export`
  const response = await fetch(sessionUrl(path), { headers: sessionHeaders(), signal })
  if (!response.ok || response.body === null) {
    const problem = (await response.json().catch(() => null)) as Problem | null
    const call = { method: 'GET', path }
    if (typeof problem?.detail === 'string') throw new ApiError(call, problem, { status: response.status })
    throw new ResponseError(call, 'The response is not of this API.', { status: response.status })
  }
  const parts: BlobPart[] = []
  let lines = 0
  let bytes = 0
  for (const reader = response.body.getReader(); ; ) {
    const { value, done } = await reader.read()
    if (done) break
    parts.push(value)
    bytes += value.length
    lines += value.reduce((count, byte) => (byte === NEWLINE ? count + 1 : count), 0)
    onProgress({ lines, bytes })
  }
  const blob = new Blob(parts, { type: 'application/x-ndjson' })
  return { blob, isWhole: isWhole(await blob.slice(-1_000).text()) }
}

/** Whether the end of an export has the line that is written last. */
export function isWhole(end: string): boolean {
  const last = end.trimEnd().split('\n').at(-1) ?? ''
  try {
    const line = JSON.parse(last) as { kind?: unknown; complete?: unknown }
    return line.kind === 'end' && line.complete === true
  } catch {
    return false
  }
}
