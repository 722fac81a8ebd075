import { useMemo } from 'react'
import { CodeBlock } from '../kit/code.tsx'
import { Copy } from '../kit/copy.tsx'
import { Icon } from '../kit/icon.tsx'
import { Tabs } from '../kit/tabs.tsx'
import { shellWord } from '../lib/curl.ts'
import { piecesOf } from '../lib/highlight.ts'
import { catalogue } from '../strings/en/catalogue.ts'
import styles from './receive.module.css'
import { LANGUAGES, type Language, type LanguageId, receiverFor } from './receiver-code.ts'

const words = catalogue.receive

type Props = {
  readonly type: { readonly name: string; readonly schema: unknown; readonly example: unknown }
  readonly language: LanguageId
  readonly onLanguage: (language: LanguageId) => void
}

export function isLanguage(text: string | undefined): text is LanguageId {
  return LANGUAGES.some(({ id }) => id === text)
}

/** Code that receives events of a type, in six languages, and what it does. */
export function Receive({ type, language, onLanguage }: Props) {
  return (
    <div className={styles.columns}>
      <div className={styles.side}>
        <p>{words.lead}</p>
        <ul className={styles.does}>
          {words.does.map(([what, how]) => (
            <li key={what}>
              <Icon name="check" />
              <span>
                <b>{what}</b> {how}
              </span>
            </li>
          ))}
        </ul>
        <p className={styles.note}>{words.tls}</p>
        <p className={styles.note}>{words.library}</p>
      </div>
      <Tabs
        label={words.language}
        value={language}
        onChange={value => isLanguage(value) && onLanguage(value)}
        tabs={LANGUAGES.map(one => ({
          value: one.id,
          label: one.name,
          content: <InLanguage type={type} language={one} />,
        }))}
      />
    </div>
  )
}

function InLanguage({ type, language }: { readonly type: Props['type']; readonly language: Language }) {
  const code = useMemo(() => receiverFor(language, type), [language, type])
  const { id, file, run } = language
  const start = `CLIENT_SECRET=${words.secret} ${run}   ${words.signing}`
  const test = [
    'curl -i localhost:9000',
    `-H 'Authorization: Bearer ${words.secret}'`,
    "-H 'webhook-id: evt_1'",
    `-d ${shellWord(JSON.stringify(type.example) ?? 'null')}`,
  ].join(' \\\n  ')
  return (
    <div className={styles.language}>
      <figure className={styles.file} aria-label={file}>
        <figcaption className={styles.bar}>
          <code>{file}</code>
          <Copy text={code} what={file} />
        </figcaption>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
        <pre className={styles.code} tabIndex={0} dir="ltr">
          {piecesOf(code, id).map(({ kind, text }, index) =>
            kind === 'plain' ? (
              text
            ) : (
              // biome-ignore lint/suspicious/noArrayIndexKey: a piece is its position
              <span key={index} className={styles[kind]}>
                {text}
              </span>
            ),
          )}
        </pre>
      </figure>
      <h3>{words.run}</h3>
      <CodeBlock label={words.run} code={id === 'csharp' ? `${words.csharpRun}\n${start}` : start} />
      <h3>{words.tryIt}</h3>
      <CodeBlock label={words.tryIt} code={test} />
    </div>
  )
}
