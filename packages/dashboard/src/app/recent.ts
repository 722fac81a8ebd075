import { useMatches } from '@tanstack/react-router'
import { useEffect } from 'react'
import { onForget } from '../lib/forget.ts'

/** What was looked at last in this tab, newest first: for the palette. Kept in memory only. */
export type Recent = {
  readonly to: string
  readonly page: string
  readonly tenant: string | null
  readonly name: string
}

const KEPT = 6

let recent: readonly Recent[] = []
onForget(() => {
  recent = []
})

export function recentOnes(): readonly Recent[] {
  return recent
}

/** Notes what is opened: whatever has an id or a name of its own in the URL. */
export function useRecent(): void {
  const match = useMatches().at(-1)
  const pathname = match?.pathname
  const params = match?.params as { tenant?: string; id?: string; name?: string } | undefined
  const { tenant, id, name } = params ?? {}
  useEffect(() => {
    const shown = id ?? name ?? tenant
    if (pathname === undefined || shown === undefined) return
    const page = pathname.split('/').findLast(part => /^[a-z-]+s$/.test(part)) ?? ''
    const one = { to: pathname, page, tenant: shown === tenant ? null : (tenant ?? null), name: shown }
    recent = [one, ...recent.filter(({ to }) => to !== pathname)].slice(0, KEPT)
  }, [pathname, tenant, id, name])
}
