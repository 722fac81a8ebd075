import { type ReactNode, useMemo, useState } from 'react'
import { Badge } from '../kit/badge.tsx'
import { LinkButton } from '../kit/button.tsx'
import { Icon } from '../kit/icon.tsx'
import { cx } from '../lib/cx.ts'
import { catalogue as words } from '../strings/en/catalogue.ts'
import { type OutlineNode, type OutlineValue, outlineOf } from './outline.ts'
import { wordsForRules } from './rule-words.ts'
import styles from './schema-outline.module.css'

/** How many values of a list are shown until the others are asked for. */
const SHOWN_VALUES = 12
/** How deep members are unfolded at first, and how many variants. */
const OPEN_DEPTH = 3
const OPEN_VARIANTS = 3

type Props = {
  readonly schema: unknown
  /** Called with where a member stands in a payload while it is pointed at, and with null afterwards. */
  readonly onPoint?: (path: readonly string[] | null) => void
  /** Unfolds or folds everything. Null leaves it as it is at first. */
  readonly unfolded?: boolean | null
}

/** A JSON Schema as a tree of members, with what a developer has to know about each. */
export function SchemaOutline({ schema, onPoint, unfolded = null }: Props) {
  const outline = useMemo(() => outlineOf(schema), [schema])
  const isEmpty = outline.children.length === 0 && outline.variants === null
  const context = { onPoint, unfolded }
  return (
    <div className={styles.outline} onPointerLeave={() => onPoint?.(null)}>
      {outline.description !== null && <p className={styles.description}>{outline.description}</p>}
      <Rules node={outline} />
      {isEmpty ? <p className={styles.note}>{words.nothing}</p> : <Inner node={outline} depth={0} context={context} />}
    </div>
  )
}

type Context = { readonly onPoint: Props['onPoint']; readonly unfolded: boolean | null }
type InnerProps = { readonly node: OutlineNode; readonly depth: number; readonly context: Context }

function Inner({ node, depth, context }: InnerProps) {
  const { children, variants } = node
  return (
    <>
      {children.length > 0 && (
        <ul className={styles.list}>
          {children.map(child => (
            <Row key={child.key} node={child} depth={depth} context={context} />
          ))}
        </ul>
      )}
      {variants !== null && (
        <>
          <p className={styles.choice}>
            {(variants.kind === 'oneOf' ? words.oneOf : words.someOf)(variants.nodes.length)}
          </p>
          <ul className={styles.list}>
            {variants.nodes.map(child => (
              <Row
                key={child.key}
                node={child}
                depth={depth}
                context={context}
                startsOpen={variants.nodes.length <= OPEN_VARIANTS}
              />
            ))}
          </ul>
        </>
      )}
    </>
  )
}

function Row({ node, depth, context, startsOpen = true }: InnerProps & { readonly startsOpen?: boolean }) {
  const { onPoint, unfolded } = context
  const { label, isRequired, isDeprecated, description, title, repeats, isNever, isCut } = node
  const [choice, setChoice] = useState<{ readonly isOpen: boolean; readonly after: boolean | null } | null>(null)
  const hasInner = node.children.length > 0 || node.variants !== null
  // What was last asked for counts: this row's own button, or the one for all.
  const isOpen =
    choice !== null && choice.after === unfolded ? choice.isOpen : (unfolded ?? (startsOpen && depth < OPEN_DEPTH))
  const name = nameOf(node)
  const isMember = label.kind === 'property'
  return (
    <li className={styles.item}>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: pointing only marks the same place in the example */}
      <div
        className={cx(styles.row, hasInner && styles.folds)}
        onPointerEnter={() => onPoint?.(node.path)}
        onFocus={() => onPoint?.(node.path)}
      >
        {hasInner ? (
          <button
            type="button"
            className={styles.fold}
            aria-expanded={isOpen}
            aria-label={(isOpen ? words.fold : words.unfold)(name)}
            onClick={() => setChoice({ isOpen: !isOpen, after: unfolded })}
          >
            <Icon name={isOpen ? 'down' : 'right'} size={12} />
          </button>
        ) : (
          <span className={styles.gutter} />
        )}
        <div className={styles.text}>
          <div className={styles.head}>
            {isMember ? <bdi className={styles.name}>{name}</bdi> : <bdi className={styles.place}>{name}</bdi>}
            {label.kind === 'others' && label.pattern !== null && <code className={styles.code}>{label.pattern}</code>}
            <span className={styles.type}>{isNever ? words.never : <TypeText node={node} />}</span>
            {isMember && !isNever && (
              <span className={cx(styles.need, isRequired && styles.required)}>
                {isRequired ? words.required : words.optional}
              </span>
            )}
            {isDeprecated && <Badge>{words.deprecated}</Badge>}
          </div>
          {label.kind !== 'variant' && title !== null && title !== name && description === null && (
            <p className={styles.description}>{title}</p>
          )}
          {description !== null && <p className={styles.description}>{description}</p>}
          {node.values !== null && <Values values={node.values} />}
          <Rules node={node} />
          {repeats !== null && <p className={styles.note}>{words.repeats(repeats)}</p>}
          {isCut && <p className={styles.note}>{words.cut}</p>}
        </div>
      </div>
      {hasInner && isOpen && (
        <div className={styles.inner}>
          <Inner node={node} depth={depth + 1} context={context} />
        </div>
      )}
    </li>
  )
}

function nameOf({ label }: OutlineNode): string {
  if (label.kind === 'property') return label.name
  if (label.kind === 'items') return label.index === null ? words.eachItem : words.item(label.index)
  if (label.kind === 'others') return label.pattern === null ? words.otherProperties : words.matching
  if (label.kind === 'variant') return label.title ?? words.variant(label.number)
  return words.wholePayload
}

type Typed = Pick<OutlineNode, 'types' | 'items' | 'format'>

/** `string · uuid`, `array of objects or null`. */
function TypeText({ node }: { readonly node: Typed }) {
  const format = node.format ?? node.items?.format ?? null
  return (
    <>
      {typeText(node, false)}
      {format !== null && <span className={styles.format}> · {format}</span>}
    </>
  )
}

/** The types of a value, in singular or plural, as one reads them. */
export function typeText({ types, items }: Typed, isPlural: boolean): string {
  if (types.length === 0) return isPlural ? words.anyOf : words.anyValue
  const one = (type: string) => {
    if (type === 'array' && items !== null && !isPlural) return words.arrayOf(typeText(items, true))
    return isPlural ? words.plural(type) : type
  }
  const all = types.map(one)
  const last = all.pop() ?? ''
  return all.length === 0 ? last : `${all.join(', ')} ${words.or} ${last}`
}

function Values({ values }: { readonly values: readonly OutlineValue[] }) {
  const [isWhole, setWhole] = useState(false)
  const shown = isWhole ? values : values.slice(0, SHOWN_VALUES)
  if (values.some(({ description }) => description !== null)) {
    return (
      <dl className={styles.meanings}>
        {values.map(({ json, description }) => (
          <div key={json}>
            <dt>
              <Value json={json} />
            </dt>
            <dd>{description}</dd>
          </div>
        ))}
      </dl>
    )
  }
  return (
    <div className={styles.values}>
      {shown.map(({ json }) => (
        <Value key={json} json={json} />
      ))}
      {shown.length < values.length && (
        <LinkButton onClick={() => setWhole(true)}>{words.moreValues(values.length - shown.length)}</LinkButton>
      )}
    </div>
  )
}

/** A text without its quotes, as it is looked for; anything else as JSON. */
function Value({ json }: { readonly json: string }): ReactNode {
  const value: unknown = JSON.parse(json)
  const isText = typeof value === 'string' && value !== '' && value.trim() === value
  return (
    <code className={styles.value}>
      <bdi>{isText ? value : json}</bdi>
    </code>
  )
}

function Rules({ node }: { readonly node: OutlineNode }) {
  const rules = wordsForRules(node.rules)
  if (rules.length === 0) return null
  return (
    <p className={styles.rules}>
      {rules.map(({ text, code }) => (
        <span key={`${text}${code}`}>
          {text}
          {code !== null && <code className={styles.code}>{code}</code>}
        </span>
      ))}
    </p>
  )
}
