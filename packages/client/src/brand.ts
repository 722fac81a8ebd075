/** Makes errors known across the copies of this package that a program can contain. */

/** The same in every copy, of whatever version. Its value lists the names of an error's classes, from the base down. */
const BRAND = Symbol.for('@posthorn/client')

type Branded = { readonly [BRAND]?: readonly string[] }
type Class = { readonly prototype: object }

const isOrdinaryInstance = Function.prototype[Symbol.hasInstance]

/**
 * Lets `instanceof` recognise instances that the class of this name in another copy has made. Call it in a static block.
 * Subclasses that an application derives from the class are compared as usual.
 */
export function brand(own: Class, name: string): void {
  const inherited = (own.prototype as Branded)[BRAND] ?? []
  Object.defineProperty(own.prototype, BRAND, { value: [...inherited, name] })
  Object.defineProperty(own, Symbol.hasInstance, {
    value(this: unknown, value: unknown): boolean {
      if (this !== own) return isOrdinaryInstance.call(this as () => void, value)
      return typeof value === 'object' && (value as Branded | null)?.[BRAND]?.includes(name) === true
    },
  })
}
