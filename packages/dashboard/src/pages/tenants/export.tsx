import { useQuery } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { usePermissions } from '../../app/session.ts'
import { CodeBlock } from '../../kit/code.tsx'
import { ConfirmDialog } from '../../kit/dialog.tsx'
import { toast } from '../../kit/toast.tsx'
import { apiCurl } from '../../lib/curl.ts'
import { formatBytes } from '../../lib/format.ts'
import { tenants } from '../../strings/en/tenants.ts'
import { extentQuery } from './queries.ts'
import { readExport } from './read-export.ts'

const words = tenants.one

/** Saves everything about a tenant as a file. */
export function ExportTenant({ id, onClose }: { readonly id: string; readonly onClose: () => void }) {
  const { seesPayloads } = usePermissions()
  const { data: extent } = useQuery(extentQuery(id))
  const [progress, setProgress] = useState<{ readonly lines: number; readonly bytes: number } | null>(null)
  const stop = useRef<AbortController>(null)
  useEffect(() => () => stop.current?.abort(), [])
  const save = async () => {
    stop.current = new AbortController()
    const { blob, isWhole } = await readExport(id, setProgress, stop.current.signal)
    if (!isWhole) throw new Error(words.exportCut)
    const link = document.createElement('a')
    link.href = URL.createObjectURL(blob)
    link.download = `${id}-${new Date().toISOString().slice(0, 10)}.ndjson`
    link.click()
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
    toast(words.exported(formatBytes(blob.size)))
  }
  return (
    <ConfirmDialog
      open
      onClose={onClose}
      title={words.exportTitle(id)}
      action={extent === undefined ? words.export : words.exportAction(extent.deliveries)}
      onConfirm={save}
    >
      <p>{words.exportText}</p>
      {!seesPayloads && <p>{words.exportHidden}</p>}
      <p>{words.exportCurl}</p>
      <CodeBlock label="curl" code={apiCurl('GET', `/v1/tenants/${encodeURIComponent(id)}/export`)} />
      <p role="status">{progress !== null && words.exporting(progress.lines, formatBytes(progress.bytes))}</p>
    </ConfirmDialog>
  )
}
