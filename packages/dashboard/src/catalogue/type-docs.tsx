import { useState } from 'react'
import { Button } from '../kit/button.tsx'
import { SegmentedControl } from '../kit/choices.tsx'
import { JsonView } from '../kit/json-view.tsx'
import { catalogue as words } from '../strings/en/catalogue.ts'
import { Example } from './example.tsx'
import { Receive } from './receive.tsx'
import type { LanguageId } from './receiver-code.ts'
import { SchemaOutline } from './schema-outline.tsx'
import styles from './type-docs.module.css'

/** What is told of a type to those who receive it. */
export type DocumentedType = { readonly name: string; readonly schema: unknown; readonly example: unknown }

type PayloadProps = {
  readonly type: DocumentedType
  /** In a column of half the width, such as next to an editor. */
  readonly stacked?: boolean
}

/** The payload of a type: its schema as an outline, or as it is, with the example next to it. */
export function Payload({ type: { schema, example }, stacked = false }: PayloadProps) {
  const [view, setView] = useState<'outline' | 'schema'>('outline')
  const [unfolded, setUnfolded] = useState<boolean | null>(null)
  const [marked, setMarked] = useState<readonly string[] | null>(null)
  const text = JSON.stringify(schema) ?? ''
  // Only where there is more than one level to fold.
  const isNested = (text.match(/"(?:properties|oneOf|anyOf|items)"/g) ?? []).length > 1
  return (
    <section className={styles.section} aria-label={words.payload}>
      <div className={styles.sectionHead}>
        <h2>{words.payload}</h2>
        <span className={styles.spacer} />
        {view === 'outline' && isNested && (
          <Button kind="quiet" small onClick={() => setUnfolded(unfolded !== true)}>
            {unfolded === true ? words.foldAll : words.unfoldAll}
          </Button>
        )}
        <SegmentedControl
          label={words.view}
          value={view}
          options={[
            { value: 'outline', label: words.outline },
            { value: 'schema', label: words.jsonSchema },
          ]}
          onChange={setView}
        />
      </div>
      <div className={stacked ? styles.stacked : styles.columns}>
        {view === 'outline' ? (
          <SchemaOutline schema={schema} onPoint={setMarked} unfolded={unfolded} />
        ) : (
          <JsonView value={schema} label={words.jsonSchema} />
        )}
        <div className={styles.next}>
          <Example value={example} marked={marked} />
        </div>
      </div>
    </section>
  )
}

type DocsProps = {
  readonly type: DocumentedType
  readonly language: LanguageId
  readonly onLanguage: (language: LanguageId) => void
}

/** Everything that a receiver's developer has to know of a type. Needs no call of the API. */
export function TypeDocs({ type, language, onLanguage }: DocsProps) {
  return (
    <div className={styles.docs}>
      <Payload type={type} />
      <section className={styles.section} aria-label={words.receive.title}>
        <div className={styles.sectionHead}>
          <h2>{words.receive.title}</h2>
        </div>
        <Receive type={type} language={language} onLanguage={onLanguage} />
      </section>
    </div>
  )
}
