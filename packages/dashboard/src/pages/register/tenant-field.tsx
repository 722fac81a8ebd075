import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { posthorn } from '../../app/client.ts'
import { useFilters } from '../../app/scope.ts'
import { usePermissions } from '../../app/session.ts'
import { Button } from '../../kit/button.tsx'
import { type Choice, Combobox } from '../../kit/choices.tsx'
import { Banner } from '../../kit/surfaces.tsx'
import { messageOf } from '../../lib/errors.ts'
import { register as words } from '../../strings/en/register.ts'
import { Section } from './section.tsx'

/** How many tenants are offered; others are written. */
const OFFERED = 200

type Props = {
  readonly tenant: string | null
  /** Whether the tenant exists; undefined until it is known. */
  readonly isKnown: boolean | undefined
  readonly error: string | null
}

/** Whose endpoint it is. It is in the URL, as on every page. A tenant that doesn't exist yet can be created here. */
export function TenantField({ tenant, isKnown, error }: Props) {
  const [, change] = useFilters()
  const client = useQueryClient()
  const { isOperator } = usePermissions()
  const [text, setText] = useState('')
  const [failure, setFailure] = useState<string | null>(null)
  const { data } = useQuery({
    queryKey: ['tenants', 'register'],
    queryFn: ({ signal }) => posthorn.tenants.list({ limit: OFFERED }, { signal }).then(page => page.data),
    enabled: isOperator,
    staleTime: 30_000,
  })
  if (!isOperator) return null
  const wanted = text.trim().toLowerCase()
  const labelOf = (id: string, name: string | null) => (name === null ? id : `${name} (${id})`)
  const known = (data ?? []).filter(({ id, name }) => labelOf(id, name).toLowerCase().includes(wanted))
  const options: Choice[] = known.map(({ id, name }) => ({
    value: id,
    label: labelOf(id, name),
  }))
  const isOther =
    text.trim() !== '' && known.every(({ id, name }) => id !== text.trim() && name?.toLowerCase() !== wanted)
  const isShown = options.some(({ label }) => label === text)
  // The input shows the label of what was chosen: that of another tenant is what was written.
  if (isOther && !isShown) options.push({ value: text.trim(), label: text.trim(), isOwn: true })
  const create = async () => {
    try {
      await posthorn.tenants.put(tenant ?? '', {})
      setFailure(null)
      await Promise.all([
        client.invalidateQueries({ queryKey: ['tenants'] }),
        client.invalidateQueries({ queryKey: ['tenant'] }),
      ])
    } catch (problem) {
      setFailure(messageOf(problem))
    }
  }
  return (
    <Section title={words.tenant.title} text={words.tenant.text}>
      <Combobox
        label={words.tenant.label}
        hideLabel
        value={tenant}
        options={options}
        placeholder={words.tenant.placeholder}
        onChange={next => change({ tenant: next ?? undefined })}
        onSearch={setText}
        error={error}
      />
      {isKnown === false && tenant !== null && (
        <Banner
          tone="warning"
          action={
            <Button small onClick={() => void create()}>
              {words.tenant.create(tenant)}
            </Button>
          }
        >
          {words.tenant.unknown(tenant)}
        </Banner>
      )}
      {failure !== null && <Banner tone="error">{failure}</Banner>}
    </Section>
  )
}
