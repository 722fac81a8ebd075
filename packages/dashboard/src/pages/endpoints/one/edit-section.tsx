import type { Endpoint, UpdateEndpointBody } from '@posthorn/client'
import { type ReactNode, useEffect, useId, useRef, useState } from 'react'
import { posthorn } from '../../../app/client.ts'
import { usePermissions } from '../../../app/session.ts'
import { Button } from '../../../kit/button.tsx'
import { Banner } from '../../../kit/surfaces.tsx'
import { toast } from '../../../kit/toast.tsx'
import { isAbout, messageOf } from '../../../lib/errors.ts'
import { endpointChange as words } from '../../../strings/en/endpoint-change.ts'
import { common } from '../../../strings/index.ts'
import styles from '../one.module.css'
import { useChanged } from './changed.ts'

type SectionProps = {
  readonly title: string
  readonly help: string
  readonly actions?: ReactNode
  readonly children: ReactNode
}

/** A part of the settings: its title and what it is for on one side, what is set on the other. */
export function Section({ title, help, actions, children }: SectionProps) {
  return (
    <section className={styles.section}>
      <div className={styles.sectionHead}>
        <h2>{title}</h2>
        <p>{help}</p>
      </div>
      <div className={styles.sectionBody}>{children}</div>
      {actions !== undefined && <div className={styles.sectionActions}>{actions}</div>}
    </section>
  )
}

type Props<Draft> = Omit<SectionProps, 'actions' | 'children'> & {
  readonly endpoint: Endpoint
  readonly view: ReactNode
  /** Whether what it changes can be secret. */
  readonly isSecret?: boolean
  /** The members whose errors the form shows next to its fields. */
  readonly fields: readonly string[]
  /** What the form begins with. */
  readonly start: () => Draft
  /** The fields. `error` is what the server said when it was saved. */
  readonly form: (draft: Draft, set: (changes: Partial<Draft>) => void, error: unknown) => ReactNode
  /** What is sent. Null if the form has mistakes, which it shows itself. */
  readonly body: (draft: Draft) => UpdateEndpointBody | null
}

/** A part of the settings that is changed in its place. */
export function EditSection<Draft extends object>(props: Props<Draft>) {
  const { title, help, view, start, isSecret = false } = props
  const { canManage, canManageSecrets } = usePermissions()
  const [isEditing, setEditing] = useState(false)
  const edit = useRef<HTMLButtonElement>(null)
  const close = () => {
    setEditing(false)
    // The focus goes back to where it came from.
    requestAnimationFrame(() => edit.current?.focus())
  }
  return (
    <Section
      title={title}
      help={help}
      {...((isSecret ? canManageSecrets : canManage) &&
        !isEditing && {
          actions: (
            <Button small ref={edit} aria-label={`${words.edit}: ${title}`} onClick={() => setEditing(true)}>
              {words.edit}
            </Button>
          ),
        })}
    >
      {isEditing ? <Form {...props} initial={start()} onClose={close} /> : view}
    </Section>
  )
}

type FormProps<Draft> = Props<Draft> & { readonly initial: Draft; readonly onClose: () => void }

function Form<Draft extends object>(props: FormProps<Draft>) {
  const { endpoint, title, fields, initial, form, body, onClose } = props
  const { tenant, id } = endpoint
  const [draft, setDraft] = useState(initial)
  const [error, setError] = useState<unknown>(null)
  const [isBusy, setBusy] = useState(false)
  const changed = useChanged(tenant, id)
  const element = useRef<HTMLFormElement>(null)
  const errorId = useId()
  useEffect(() => {
    element.current?.querySelector<HTMLElement>('input, textarea, button')?.focus()
  }, [])
  const save = async () => {
    const changes = body(draft)
    if (changes === null) return
    setBusy(true)
    setError(null)
    try {
      const { signingSecret: _, ...saved } = await posthorn.endpoints.update(tenant, id, changes)
      toast(words.saved)
      onClose()
      await changed(saved)
    } catch (failure) {
      setError(failure)
    } finally {
      setBusy(false)
    }
  }
  return (
    <form
      ref={element}
      className={styles.form}
      aria-label={title}
      aria-describedby={error === null ? undefined : errorId}
      noValidate
      onSubmit={event => {
        event.preventDefault()
        void save()
      }}
      onKeyDown={event => {
        if (event.key !== 'Escape' || event.defaultPrevented) return
        event.stopPropagation()
        onClose()
      }}
    >
      {form(draft, changes => setDraft(before => ({ ...before, ...changes })), error)}
      {error !== null && !isAbout(error, fields) && (
        <div id={errorId}>
          <Banner tone="error">{messageOf(error)}</Banner>
        </div>
      )}
      <div className={styles.formActions}>
        <Button type="submit" kind="primary" busy={isBusy} disabled={body(draft) === null}>
          {words.save}
        </Button>
        <Button onClick={onClose}>{common.cancel}</Button>
      </div>
    </form>
  )
}
