import { useQuery } from '@tanstack/react-query'
import { ErrorState } from '../../kit/surfaces.tsx'
import { TypesField } from '../../kit/types-field.tsx'
import { typesQuery } from './queries.ts'

type Props = {
  /** Names and patterns; null for all types. */
  readonly types: readonly string[] | null
  readonly onChange: (types: readonly string[] | null) => void
  readonly error: string | null
}

/** Which types are sent, out of the catalogue. */
export function Types({ types, onChange, error }: Props) {
  const { data, error: failure, refetch } = useQuery(typesQuery)
  if (data === undefined && failure !== null) return <ErrorState error={failure} onRetry={() => void refetch()} />
  return <TypesField catalogue={data ?? []} value={types} onChange={onChange} error={error} />
}
