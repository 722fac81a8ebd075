import type { PutEventType } from '@posthorn/client'
import { ApiError } from '@posthorn/client'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useBlocker, useNavigate } from '@tanstack/react-router'
import { type FormEvent, useMemo, useRef, useState } from 'react'
import { useFilters } from '../../app/scope.ts'
import { Payload } from '../../catalogue/type-docs.tsx'
import { Button } from '../../kit/button.tsx'
import { ConfirmDialog, Dialog, DialogActions } from '../../kit/dialog.tsx'
import { TextArea, TextField } from '../../kit/field.tsx'
import { JsonEditor, useJson } from '../../kit/json-editor.tsx'
import { Banner, ErrorState, PageHeader, Skeleton, Page as Surface } from '../../kit/surfaces.tsx'
import { toast } from '../../kit/toast.tsx'
import { fieldError, hasStatus, messageOf } from '../../lib/errors.ts'
import { useDelayed, useSettled } from '../../lib/hooks.ts'
import { type PlacedProblem, place } from '../../lib/json-document.ts'
import { checkIfPossible } from '../../lib/schema-check.ts'
import { eventTypes } from '../../strings/en/event-types.ts'
import { common } from '../../strings/index.ts'
import { CheckResult } from './check.tsx'
import styles from './edit.module.css'
import { type Draft, draftQuery, exists, putType, readDraft, typesQuery } from './queries.ts'

const words = eventTypes.form

const START: Draft = {
  group: '',
  description: '',
  schedule: null,
  schema: '{\n  "type": "object",\n  "required": ["id"],\n  "properties": {\n    "id": { "type": "string" }\n  }\n}',
  example: '{\n  "id": "7"\n}',
}

export function Create() {
  return <Form name={null} start={START} />
}

export function Edit({ name }: { readonly name: string }) {
  const query = useQuery(draftQuery(name))
  const isLate = useDelayed(query.isPending)
  if (query.data !== undefined) return <Form name={name} start={query.data} />
  if (query.error !== null) return <ErrorState error={query.error} onRetry={() => void query.refetch()} />
  return <Surface>{isLate && <Skeleton width="40%" height={28} />}</Surface>
}

type FormProps = {
  /** Null for a new type. */
  readonly name: string | null
  readonly start: Draft
}

/** Edits a type. What is written is checked against the schema here, and by the server against recent events. */
function Form({ name: known, start }: FormProps) {
  const [, change] = useFilters()
  const navigate = useNavigate()
  const client = useQueryClient()
  const [before, setBefore] = useState(start)
  const [draft, setDraft] = useState(start)
  const [newName, setNewName] = useState('')
  const [isSaving, setSaving] = useState(false)
  const [isForcing, setForcing] = useState(false)
  const [failure, setFailure] = useState<unknown>(null)
  const [theirs, setTheirs] = useState<Draft | null>(null)
  const [isTried, setTried] = useState(false)
  const isLeaving = useRef(false)
  const name = known ?? newName.trim()
  const set = (changes: Partial<Draft>) => setDraft({ ...draft, ...changes })

  const schema = useJson(draft.schema)
  const check = useMemo(() => (schema.isJson ? checkIfPossible(schema.value) : null), [schema])
  const example = useJson(draft.example, check)
  const nameProblem = known !== null ? null : problemOfName(newName)
  const isDirty =
    newName !== '' || (['group', 'description', 'schema', 'example'] as const).some(one => draft[one] !== before[one])
  const isComplete =
    nameProblem === null &&
    schema.isJson &&
    example.isJson &&
    draft.group.trim() !== '' &&
    draft.description.trim() !== ''

  const settled = useSettled(
    useMemo(() => ({ name, draft }), [name, draft]),
    500,
  )
  const isSettled = settled.name === name && settled.draft === draft
  const trial = useQuery({
    queryKey: ['event-types', 'trial', known, settled],
    queryFn: async ({ signal }) => {
      if (known === null && (await exists(settled.name, signal))) return 'taken' as const
      return await putType(settled.name, settled.draft, { dryRun: true, signal })
    },
    enabled: isComplete && isSettled && (isDirty || known === null),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    placeholderData: undefined,
  })
  const isTaken = trial.data === 'taken'
  const refusal = isSettled ? trial.error : null
  const serverProblems = (field: 'schema' | 'example', text: string): readonly PlacedProblem[] => {
    if (!(refusal instanceof ApiError) || refusal.code === 'schema_conflict') return []
    const own = refusal.fields.filter(one => one.field === `/${field}` || one.field.startsWith(`/${field}/`))
    return place(
      text,
      own.map(one => ({ pointer: one.field.slice(field.length + 1), text: one.detail })),
    )
  }
  const isConflict = refusal instanceof ApiError && refusal.code === 'schema_conflict'
  const canSave = isComplete && isDirty && !isTaken && (refusal === null || isConflict)

  const blocker = useBlocker({
    shouldBlockFn: () => isDirty && !isLeaving.current,
    enableBeforeUnload: () => isDirty && !isLeaving.current,
    withResolver: true,
    disabled: !isDirty,
  })

  const close = () => {
    if (known === null) change({ create: undefined })
    else change({ tab: undefined })
  }
  const save = async (force: boolean) => {
    setTried(true)
    if (!canSave || isSaving) return
    setSaving(true)
    setFailure(null)
    try {
      if (known === null) {
        if (await exists(name)) return
      } else {
        const now = await readDraft(known)
        if (JSON.stringify(now) !== JSON.stringify(before)) return setTheirs(now)
      }
      await putType(name, { ...draft, group: draft.group.trim(), description: draft.description.trim() }, { force })
      isLeaving.current = true
      toast((known === null ? words.created : words.saved)(name))
      await client.invalidateQueries({ queryKey: ['event-types'] })
      if (known === null) await navigate({ to: '/event-types/$name', params: { name } })
      else close()
    } catch (error) {
      setFailure(error)
      // What the server would say of it may have changed since the trial.
      if (hasStatus(error, 409)) void trial.refetch()
    } finally {
      setSaving(false)
    }
  }
  const submit = (event?: FormEvent) => {
    event?.preventDefault()
    if (isConflict) setForcing(true)
    else void save(false)
  }
  const emptyField = (value: string) => (isTried && value.trim() === '' ? eventTypes.form.required : null)
  return (
    <Surface>
      <PageHeader title={known === null ? words.newTitle : words.editTitle(known)} />
      <form className={styles.columns} onSubmit={submit} noValidate>
        <div className={styles.fields}>
          {theirs !== null && (
            <Banner
              tone="warning"
              action={
                <Button
                  small
                  onClick={() => {
                    setBefore(theirs)
                    setDraft(theirs)
                    setTheirs(null)
                  }}
                >
                  {words.loadTheirs}
                </Button>
              }
            >
              {words.changedElsewhere}
            </Banner>
          )}
          {known === null && (
            <TextField
              label={words.name}
              help={words.nameHelp}
              mono
              autoFocus
              value={newName}
              onChange={setNewName}
              error={
                isTaken
                  ? words.nameTaken
                  : ((newName !== '' || isTried ? nameProblem : null) ?? fieldError(refusal, 'name'))
              }
            />
          )}
          <Groups
            value={draft.group}
            onChange={group => set({ group })}
            error={emptyField(draft.group) ?? fieldError(refusal, 'group')}
          />
          <TextArea
            label={words.description}
            help={words.descriptionHelp}
            rows={2}
            className={styles.description}
            value={draft.description}
            onChange={description => set({ description })}
            error={emptyField(draft.description) ?? fieldError(refusal, 'description')}
          />
          <JsonEditor
            label={words.schema}
            help={words.schemaHelp}
            fine={words.schemaFine}
            value={draft.schema}
            onChange={text => set({ schema: text })}
            problems={schema.problems.length > 0 ? schema.problems : serverProblems('schema', draft.schema)}
            minLines={10}
            maxLines={26}
            onSubmit={submit}
          />
          <JsonEditor
            label={words.example}
            help={words.exampleHelp}
            fine={words.exampleFine}
            value={draft.example}
            onChange={text => set({ example: text })}
            problems={example.problems.length > 0 ? example.problems : serverProblems('example', draft.example)}
            minLines={5}
            maxLines={18}
            onSubmit={submit}
          />
        </div>
        <div className={styles.side}>
          {schema.isJson ? (
            <Payload stacked type={{ name, schema: schema.value, example: example.isJson ? example.value : null }} />
          ) : (
            <p className={styles.note}>{words.noPreview}</p>
          )}
        </div>
        <div className={styles.foot}>
          <CheckResult
            result={trial.data === 'taken' ? undefined : (trial.data as PutEventType | undefined)}
            error={refusal}
            isNew={known === null}
            isDirty={isDirty}
            isReady={isComplete && !isTaken}
            isChecking={isComplete && isDirty && (!isSettled || trial.isFetching)}
          />
          {failure !== null && <Banner tone="error">{messageOf(failure)}</Banner>}
          <div className={styles.actions}>
            <Button onClick={close}>{common.cancel}</Button>
            <Button
              kind={isConflict ? 'danger' : 'primary'}
              type="submit"
              busy={isSaving}
              disabled={isDirty && isComplete && !canSave}
              title={words.keys}
            >
              {isConflict ? eventTypes.check.force : known === null ? words.create : words.save}
            </Button>
          </div>
        </div>
      </form>
      <ConfirmDialog
        open={isForcing}
        onClose={() => setForcing(false)}
        title={eventTypes.check.forceTitle}
        action={eventTypes.check.force}
        danger
        onConfirm={() => save(true)}
      >
        <p>{isConflict && refusal.detail.split('. ')[0]}.</p>
        <p>{eventTypes.check.forceText}</p>
      </ConfirmDialog>
      <Dialog
        open={blocker.status === 'blocked'}
        onClose={() => blocker.status === 'blocked' && blocker.reset()}
        title={words.leave.title}
      >
        <p>{words.leave.text}</p>
        <DialogActions>
          <Button onClick={() => blocker.status === 'blocked' && blocker.reset()}>{words.leave.stay}</Button>
          <Button kind="danger" onClick={() => blocker.status === 'blocked' && blocker.proceed()}>
            {words.leave.action}
          </Button>
        </DialogActions>
      </Dialog>
    </Surface>
  )
}

type GroupsProps = { readonly value: string; readonly onChange: (value: string) => void; readonly error: string | null }

/** The group: one that there is, or a new one. */
function Groups({ value, onChange, error }: GroupsProps) {
  const { data } = useQuery(typesQuery)
  const groups = [...new Set((data ?? []).filter(type => !type.operational).map(({ group }) => group))].sort()
  return (
    <>
      <TextField
        label={words.group}
        help={words.groupHelp}
        value={value}
        onChange={onChange}
        error={error}
        list="event-type-groups"
        maxLength={64}
      />
      <datalist id="event-type-groups">
        {groups.map(group => (
          <option key={group} value={group} />
        ))}
      </datalist>
    </>
  )
}

function problemOfName(text: string): string | null {
  if (text.trim() === '') return words.nameEmpty
  return /^[A-Za-z][\w.-]{0,127}$/.test(text.trim()) ? null : words.nameWrong
}
