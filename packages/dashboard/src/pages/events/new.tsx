import type { EventType } from '@posthorn/client'
import { useQuery } from '@tanstack/react-query'
import { useRef, useState } from 'react'
import { catalogueQuery } from '../../app/catalogue.ts'
import { useFilters, useTenant } from '../../app/scope.ts'
import { usePermissions } from '../../app/session.ts'
import { Button } from '../../kit/button.tsx'
import { TextField } from '../../kit/field.tsx'
import { JsonEditor, useJson } from '../../kit/json-editor.tsx'
import { IS_APPLE, Kbd } from '../../kit/kbd.tsx'
import { ButtonLink } from '../../kit/link.tsx'
import { Banner, Page as Body, EmptyState, ErrorState, PageHeader } from '../../kit/surfaces.tsx'
import { fieldError, messageOf } from '../../lib/errors.ts'
import { place } from '../../lib/json-document.ts'
import { indent } from '../../lib/json-source.ts'
import { events } from '../../strings/en/events.ts'
import { json } from '../../strings/en/json.ts'
import { shell } from '../../strings/index.ts'
import { Choice } from './choice.tsx'
import styles from './new.module.css'
import { PublishedEvent } from './published.tsx'
import { type PublishResult, payloadProblems, publish, useCheck } from './publishing.ts'
import { eventQuery } from './queries.ts'
import { Receivers, useReceivers } from './receivers.tsx'

const words = events.make

/** Publishes an event from a type's example, and shows where it arrives. */
export function Page() {
  const { canWrite } = usePermissions()
  const types = useQuery(catalogueQuery)
  const usable = types.data?.filter(({ operational }) => !operational)
  let content = null
  if (!canWrite) content = <Banner>{shell.notAllowed}</Banner>
  else if (usable === undefined && types.error !== null)
    content = <ErrorState error={types.error} onRetry={() => void types.refetch()} />
  else if (usable?.length === 0) {
    const action = <ButtonLink to={'/event-types' as '/'}>{words.createType}</ButtonLink>
    content = <EmptyState title={words.noTypes} actions={action} />
  } else if (usable !== undefined) content = <Form types={usable} />
  return (
    <Body>
      <PageHeader title={words.title} note={words.note} />
      {content}
    </Body>
  )
}

type Failure = { readonly error: unknown; readonly text: string }

function Form({ types }: { readonly types: readonly EventType[] }) {
  const [search, change] = useFilters()
  const tenant = useTenant()
  const type = types.find(({ name }) => name === search.type)
  const copied = useQuery({
    ...eventQuery(tenant ?? '', search.event ?? ''),
    enabled: tenant !== null && search.event !== undefined,
  })
  const [written, setWritten] = useState<string | null>(null)
  const [key, setKey] = useState('')
  const [failure, setFailure] = useState<Failure | null>(null)
  const [result, setResult] = useState<PublishResult | null>(null)
  const [isBusy, setBusy] = useState(false)
  const editor = useRef<HTMLDivElement>(null)
  const given = copied.data?.payloadText
  const text = written ?? (given ? indent(given) : type === undefined ? '' : JSON.stringify(type.example, null, 2))
  const check = useCheck(type?.schema)
  const doc = useJson(text, check)
  // What the server said is true of the text that it got.
  const refused = failure?.text === text ? place(text, payloadProblems(failure.error)) : []
  const problems = doc.problems.length > 0 ? doc.problems : refused
  const receivers = useReceivers(tenant, type?.name ?? null, doc.problems.length === 0 ? doc.value : undefined)
  const isReady = tenant !== null && type !== undefined && type.archivedAt === null
  const send = async () => {
    if (!isReady || isBusy) return
    setBusy(true)
    setFailure(null)
    try {
      setResult(await publish({ tenant, type: type.name, key: key.trim(), text }))
    } catch (error) {
      setFailure({ error, text })
    } finally {
      setBusy(false)
    }
  }
  const submit = () => {
    if (doc.problems.length === 0) void send()
    else editor.current?.querySelector<HTMLElement>('li button')?.click()
  }
  // Its problems are listed below the editor, unless those that were known before are.
  const isPlaced = refused.length > 0 && doc.problems.length === 0
  return (
    <div className={styles.columns}>
      <form
        className={styles.form}
        noValidate
        onSubmit={event => {
          event.preventDefault()
          submit()
        }}
      >
        <Choice types={types} tenant={tenant} type={search.type ?? null} onChange={change} />
        {type !== undefined && type.archivedAt !== null && <Banner tone="warning">{words.archived}</Banner>}
        <TextField
          label={words.key}
          help={words.keyHelp}
          mono
          maxLength={255}
          value={key}
          onChange={setKey}
          error={fieldError(failure?.error, 'key')}
        />
        <div ref={editor}>
          <JsonEditor
            label={words.payload}
            value={text}
            onChange={setWritten}
            problems={type === undefined && text === '' ? [] : problems}
            fine={type === undefined ? '' : check === null ? json.unchecked : words.satisfies}
            minLines={12}
            onSubmit={submit}
            help={
              <>
                <Kbd>{IS_APPLE ? '⌘' : 'Ctrl'}</Kbd> <Kbd>Enter</Kbd> {words.keys}
              </>
            }
            actions={
              type !== undefined &&
              (written !== null || given) && (
                <Button small kind="quiet" onClick={() => setWritten(JSON.stringify(type.example, null, 2))}>
                  {words.reset}
                </Button>
              )
            }
          />
        </div>
        {failure !== null && !isPlaced && fieldError(failure.error, 'key') === null && (
          <Banner tone="error">{messageOf(failure.error)}</Banner>
        )}
        <div className={styles.actions}>
          <Button type="submit" kind="primary" busy={isBusy} disabled={!isReady}>
            {doc.problems.length > 0 && type !== undefined
              ? words.correct(doc.problems.length)
              : receivers.count === null
                ? words.publish
                : words.publishTo(receivers.count, receivers.isMost)}
          </Button>
          {isReady && doc.isJson && doc.problems.length > 0 && (
            <Button kind="quiet" title={words.anywayNote} onClick={() => void send()}>
              {words.anyway}
            </Button>
          )}
        </div>
      </form>
      <div className={styles.side}>
        {result !== null && <PublishedEvent key={result.id} result={result} />}
        {result === null && <Receivers tenant={tenant} receivers={receivers} />}
      </div>
    </div>
  )
}
