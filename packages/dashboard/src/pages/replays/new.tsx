import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import { useFilters, useRange, useTenant } from '../../app/scope.ts'
import { usePermissions } from '../../app/session.ts'
import { Button } from '../../kit/button.tsx'
import { Checkbox } from '../../kit/choices.tsx'
import { TextField } from '../../kit/field.tsx'
import { RangePicker } from '../../kit/range-picker.tsx'
import { Banner, Page as Body, PageHeader } from '../../kit/surfaces.tsx'
import { toast } from '../../kit/toast.tsx'
import { fieldError, messageOf } from '../../lib/errors.ts'
import { formatNumber } from '../../lib/format.ts'
import { useSettled } from '../../lib/hooks.ts'
import { searchOf } from '../../lib/range.ts'
import { replays } from '../../strings/en/replays.ts'
import { common, shell } from '../../strings/index.ts'
import { EndpointChoice, TenantChoice, TypesChoice } from './choices.tsx'
import styles from './new.module.css'
import { countQuery, start } from './queries.ts'
import { bodyOf, isComplete, OUTCOMES, selectionIn, stateParameter } from './selection.ts'

const words = replays.make

/** How long the selection has to stay the same before it is counted, in milliseconds. */
const SETTLE_MS = 350

/** Starts a replay: what it covers, and how many deliveries that is, before anything is sent. */
export function Page() {
  const { canRetry } = usePermissions()
  return (
    <Body>
      <PageHeader title={replays.start} note={words.note} />
      {canRetry ? <Form /> : <Banner>{shell.notAllowed}</Banner>}
    </Body>
  )
}

function Form() {
  const [search, change] = useFilters()
  const tenant = useTenant()
  const range = useRange()
  const navigate = useNavigate()
  const { isOperator } = usePermissions()
  const [key, setKey] = useState('')
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>(null)
  const selection = selectionIn(search, tenant)
  // Read as a text, so that an equal selection is the same one.
  const wanted = useSettled(JSON.stringify([selection, range]), SETTLE_MS)
  // biome-ignore lint/correctness/useExhaustiveDependencies: the period is fixed again whenever the selection changes
  const body = useMemo(() => (isComplete(selection) ? bodyOf(selection, search, Date.now()) : null), [wanted])
  const isSettled = wanted === JSON.stringify([selection, range])
  const count = useQuery(countQuery(selection, isSettled ? body : null))
  const n = count.data?.deliveries
  const isReady = isSettled && body !== null && n !== undefined && n !== 0
  const toggle = (state: (typeof OUTCOMES)[number]) => {
    const next = OUTCOMES.filter(one => (one === state) !== selection.states.includes(one))
    change({ state: stateParameter(next) })
  }
  const submit = async () => {
    if (!isReady || isBusy || body === null) return
    setBusy(true)
    setError(null)
    try {
      const { id, isDuplicate } = await start(selection, body, key.trim())
      if (isDuplicate) toast(words.duplicate)
      await (tenant === null
        ? navigate({ to: '/replays/$id', params: { id } })
        : navigate({ to: '/replays/$tenant/$id', params: { tenant, id } }))
    } catch (failure) {
      setError(failure)
    } finally {
      setBusy(false)
    }
  }
  return (
    <form
      className={styles.form}
      noValidate
      onSubmit={event => {
        event.preventDefault()
        void submit()
      }}
    >
      <div className={styles.fields}>
        {isOperator && <TenantChoice tenant={tenant} onChange={change} />}
        {tenant !== null && <EndpointChoice tenant={tenant} endpoint={selection.endpoint} onChange={change} />}
        <TypesChoice types={selection.types} isNeeded={tenant === null} onChange={change} />
        <fieldset className={styles.set}>
          <legend>{words.period}</legend>
          <RangePicker range={range} onChange={next => change(searchOf(next))} />
        </fieldset>
        <fieldset className={styles.set}>
          <legend>{words.outcome}</legend>
          {OUTCOMES.map(state => (
            <Checkbox
              key={state}
              label={words.outcomes[state]}
              checked={selection.states.includes(state)}
              onChange={() => toggle(state)}
            />
          ))}
          <Checkbox
            label={words.missing}
            checked={selection.missing}
            onChange={next => change({ missing: next ? 'true' : undefined })}
          />
          {selection.states.length === 0 && !selection.missing && <p className={styles.error}>{words.outcomeNeeded}</p>}
        </fieldset>
        <TextField
          label={words.key}
          help={words.keyHelp}
          mono
          maxLength={255}
          value={key}
          onChange={setKey}
          error={fieldError(error, 'key')}
        />
      </div>
      <section className={styles.side} aria-label={words.count}>
        <h2>{words.count}</h2>
        <div className={styles.figure} role="status">
          <strong>{n === undefined || n === null ? common.none : formatNumber(n)}</strong>
          <p className={styles.muted}>
            {!isComplete(selection) && (tenant === null && selection.types.length === 0 ? words.typesNeeded : '')}
            {isComplete(selection) && n === undefined && count.error === null && words.counting}
            {n === null && words.tooMany}
            {n === 0 && words.none}
            {n !== undefined && n !== null && n > 0 && tenant === null && words.inTenants(count.data?.tenants ?? null)}
          </p>
        </div>
        {count.error !== null && <Banner tone="error">{messageOf(count.error)}</Banner>}
        {error !== null && fieldError(error, 'key') === null && <Banner tone="error">{messageOf(error)}</Banner>}
        <Button type="submit" kind="primary" icon="retry" busy={isBusy} disabled={!isReady}>
          {n === undefined || n === 0 ? words.actionNone : words.action(n)}
        </Button>
        <p className={styles.muted}>
          {words.pace} {words.pending}
        </p>
      </section>
    </form>
  )
}
