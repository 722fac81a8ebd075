/**
 * Which event types there are, and what their payloads are. `npx @posthorn/client types` writes a declaration file that
 * adds the types of a server's catalogue to the two interfaces. Until then a type is any string, and a payload `unknown`.
 */

/** Payloads of the types that can be published, by name. */
// biome-ignore lint/suspicious/noEmptyInterface: declaration files add members
export interface EventPayloads {}

/** Payloads of the types that can only be received: those that are archived, and Posthorn's own. */
// biome-ignore lint/suspicious/noEmptyInterface: declaration files add members
export interface ReceivedPayloads {}

/** The name of a type that can be published. */
export type EventTypeName = keyof EventPayloads extends never ? string : keyof EventPayloads & string

/** The name of a type that can be received. */
export type ReceivedTypeName = keyof EventPayloads | keyof ReceivedPayloads extends never
  ? string
  : (keyof EventPayloads | keyof ReceivedPayloads) & string

/** The payload of a type. */
export type PayloadOf<Type extends string> = Type extends keyof EventPayloads
  ? EventPayloads[Type]
  : Type extends keyof ReceivedPayloads
    ? ReceivedPayloads[Type]
    : unknown

/** A type with its payload: one of those that can be published. */
export type TypedEvent<Type extends EventTypeName = EventTypeName> = Type extends unknown
  ? {
      /** The name of an event type. */
      type: Type
      /** Must satisfy the type's schema. Delivered byte for byte as `JSON.stringify` writes it. */
      payload: PayloadOf<Type>
    }
  : never

/** A type with its payload: one of those that can be received. */
export type ReceivedEvent<Type extends ReceivedTypeName = ReceivedTypeName> = Type extends unknown
  ? {
      /** The event type. The signature doesn't cover it; it comes over the same connection as the bearer token. */
      readonly type: Type
      /** The parsed body. Reading it throws VerificationError if the body is not JSON. */
      readonly payload: PayloadOf<Type>
    }
  : never
