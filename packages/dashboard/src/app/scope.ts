import { useNavigate, useSearch } from '@tanstack/react-router'
import { type Range, type RangeName, rangeOf } from '../lib/range.ts'
import type { Search } from '../lib/search.ts'
import { usePermissions } from './session.ts'

/** The tenant that the pages show: the only one that the key can see, or the one chosen at the top. Null for all. */
export function useTenant(): string | null {
  const { tenant } = usePermissions()
  const search = useSearch({ strict: false }) as Search
  return tenant ?? search.tenant ?? null
}

/** The period chosen at the top. */
export function useRange(standard?: RangeName): Range {
  return rangeOf(useSearch({ strict: false }) as Search, standard)
}

/**
 * The page's parameters, and a function that changes some of them and stays on the page. `replace`: without a step to go
 * back to, for what is typed.
 */
export function useFilters() {
  const search = useSearch({ strict: false }) as Search
  const navigate = useNavigate()
  const change = (changes: Record<string, string | undefined>, replace = false) =>
    void navigate({ to: '.', search: ((before: Search) => ({ ...before, ...changes })) as never, replace })
  return [search, change] as const
}
