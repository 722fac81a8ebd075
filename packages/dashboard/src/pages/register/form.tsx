import { useQuery, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useEffect, useRef, useState } from 'react'
import { posthorn } from '../../app/client.ts'
import { usePermissions } from '../../app/session.ts'
import { Button } from '../../kit/button.tsx'
import { SecretField } from '../../kit/secret-field.tsx'
import { Banner } from '../../kit/surfaces.tsx'
import { messageOf } from '../../lib/errors.ts'
import { register as words } from '../../strings/en/register.ts'
import { OPERATOR_TENANT } from '../notifications/queries.ts'
import { useCheck } from './check.ts'
import type { Registered } from './done.tsx'
import { bodyOf, type Draft, type Errors, emptyDraft, faultsOf, isInMore, refusedOf } from './draft.ts'
import { Egress } from './egress.tsx'
import { FilterField } from './filter-field.tsx'
import { MoreOptions } from './more.tsx'
import { Advice } from './notes.tsx'
import { tenantQuery } from './queries.ts'
import styles from './register.module.css'
import { Section } from './section.tsx'
import { TenantField } from './tenant-field.tsx'
import { Types } from './types.tsx'
import { Where } from './where.tsx'

type Props = {
  /** The tenant of the key, or the one chosen at the top. Null: it is chosen here. */
  readonly tenant: string | null
  readonly type: string | undefined
  readonly onRegistered: (registered: Registered) => void
}

/** What has to be corrected. */
const WRONG = '[aria-invalid="true"]'

/** What a part of the form gets: the draft, a function that changes it, and what is wrong. */
export type Part = {
  readonly draft: Draft
  readonly change: (changes: Partial<Draft>) => void
  readonly errorAt: (name: string) => string | null
}

export function Form({ tenant, type, onRegistered }: Props) {
  const client = useQueryClient()
  const form = useRef<HTMLFormElement>(null)
  const [draft, setDraft] = useState(() => emptyDraft(type))
  const [refused, setRefused] = useState<Errors>({})
  const [failure, setFailure] = useState<string | null>(null)
  const [attempts, setAttempts] = useState(0)
  const [isBusy, setBusy] = useState(false)
  const [isMoreOpen, setMoreOpen] = useState(false)
  const isKnown = useKnown(tenant)
  const { isOperator } = usePermissions()
  // Which URLs are allowed is the same for all tenants: it can be said before one is chosen, or created.
  const check = useCheck(isKnown === true ? tenant : isOperator ? OPERATOR_TENANT : null, draft, isKnown !== true)
  const faults: Errors = { ...tenantFault(tenant, isKnown), ...faultsOf(draft) }
  const errors = attempts === 0 ? {} : faults
  const change = (changes: Partial<Draft>) => {
    setDraft(before => ({ ...before, ...changes }))
    // What was refused is no longer what is in the field; the check says whether it is right now.
    setRefused({})
    setFailure(null)
  }
  const errorAt = (name: string) => errors[name] ?? refused[name] ?? check.errors[name] ?? null
  // After a refusal, the focus goes to the first field that has to be corrected.
  useEffect(() => {
    if (attempts > 0) form.current?.querySelector<HTMLElement>(WRONG)?.focus()
  }, [attempts])
  const refuse = (found: Errors) => {
    if (Object.keys(found).some(isInMore)) setMoreOpen(true)
    setAttempts(attempts + 1)
  }
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    if (tenant === null || Object.keys(faults).length > 0) return refuse(faults)
    setBusy(true)
    setFailure(null)
    try {
      const endpoint = await posthorn.endpoints.create(tenant, bodyOf(draft))
      await Promise.all(['endpoints', 'overview'].map(name => client.invalidateQueries({ queryKey: [name] })))
      onRegistered({ endpoint })
    } catch (error) {
      const fields = refusedOf(error, draft.headers)
      if (fields === undefined || fields[''] !== undefined) setFailure(fields?.[''] ?? messageOf(error))
      setRefused(fields ?? {})
      refuse(fields ?? {})
    } finally {
      setBusy(false)
    }
  }
  const part: Part = { draft, change, errorAt }
  const wrong = Object.keys({ ...errors, ...refused }).filter(name => name !== '').length
  return (
    <form ref={form} className={styles.form} onSubmit={event => void submit(event)} noValidate autoComplete="off">
      <TenantField tenant={tenant} isKnown={isKnown} error={errors.tenant ?? null} />
      <Where {...part} check={check} isFirst={tenant !== null} />
      <Section title={words.what.title} text={words.what.text}>
        <Types types={draft.types} onChange={types => change({ types })} error={errorAt('types')} />
        <FilterField draft={draft} change={change} tenant={tenant} check={check} />
        <Advice warnings={check.warnings} about={['types', 'filter']} />
      </Section>
      <Section title={words.proof.title} text={words.proof.text}>
        {draft.credentials === 'secret' ? (
          <>
            <SecretField
              value={draft.secret}
              onChange={secret => change({ secret })}
              types={draft.types?.length === 0 ? undefined : draft.types}
              error={errors.clientSecret ?? refused.clientSecret ?? null}
            />
            <Advice warnings={check.warnings} about={['clientSecret']} />
          </>
        ) : (
          <p className={styles.muted}>{words.proof.byOauth}</p>
        )}
      </Section>
      <Egress />
      <MoreOptions {...part} isOpen={isMoreOpen} onToggle={setMoreOpen} />
      <div className={styles.end}>
        <div className={styles.fields}>
          {failure !== null && <Banner tone="error">{failure}</Banner>}
          <div className={styles.submit}>
            <Button type="submit" kind="primary" busy={isBusy}>
              {words.submit}
            </Button>
            <span role="status" className={styles.muted}>
              {attempts > 0 && wrong > 0 && words.correct(wrong)}
            </span>
          </div>
        </div>
      </div>
    </form>
  )
}

/** Whether the tenant exists; undefined until it is known. A key of one tenant has one. */
function useKnown(tenant: string | null): boolean | undefined {
  const { isOperator } = usePermissions()
  const { data } = useQuery({ ...tenantQuery(tenant ?? ''), enabled: isOperator && tenant !== null })
  return isOperator ? data : true
}

function tenantFault(tenant: string | null, isKnown: boolean | undefined): Errors {
  if (tenant === null) return { tenant: words.tenant.choose }
  return isKnown === false ? { tenant: words.tenant.missing } : {}
}
